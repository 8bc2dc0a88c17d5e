-- Goes into every checksum, so that rows of another database, whose log came to lie beside this one, are told from its
-- own. One row.
CREATE TABLE checksum_seed (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO checksum_seed (id, value) VALUES (1, random());

-- CRC-32 of the values of a row: a bit that flipped on the disk is found when the row is read, and no wrong code is
-- given out. NULL: not known, as for rows from before this column.
ALTER TABLE otp_codes ADD COLUMN checksum INTEGER;

-- Who changes a row by hand leaves the checksum as it is: from then on it is not known.
CREATE TRIGGER otp_codes_edited
AFTER UPDATE OF code, mobile_number, email, valid_to, created_at, updated_at ON otp_codes
WHEN new.checksum IS old.checksum
BEGIN
    UPDATE otp_codes SET checksum = NULL WHERE id = new.id;
END;
