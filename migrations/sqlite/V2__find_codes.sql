-- What the list filters and orders by. Every index ends in the id by itself, which is how the list breaks ties.
CREATE INDEX otp_codes_by_code ON otp_codes (code);
CREATE INDEX otp_codes_by_mobile_number ON otp_codes (mobile_number);
CREATE INDEX otp_codes_by_email ON otp_codes (email);
CREATE INDEX otp_codes_by_valid_to ON otp_codes (valid_to);
CREATE INDEX otp_codes_by_created_at ON otp_codes (created_at);
CREATE INDEX otp_codes_by_updated_at ON otp_codes (updated_at);

-- Counted as codes come and go, so that the size of an unfiltered list costs no scan. One row.
CREATE TABLE otp_totals (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    codes      INTEGER NOT NULL,
    -- Those with an e-mail address; all others have a mobile number.
    with_email INTEGER NOT NULL
) STRICT;
INSERT INTO otp_totals (id, codes, with_email)
SELECT 1, count(*), count(email) FROM otp_codes;

-- Every three neighbouring characters of every code, number and address: finds parts of them, in any case.
-- The text itself stays in otp_codes.
CREATE VIRTUAL TABLE otp_search USING fts5 (
    code,
    mobile_number,
    email,
    content = 'otp_codes',
    content_rowid = 'id',
    tokenize = 'trigram',
    columnsize = 0
);
-- Every change adds a segment to the index. More of them may pile up before they are merged than FTS5 thinks best for
-- reading: that makes writing a third faster, and reading not measurably slower. (FTS5's own secure-delete would take
-- away what is deleted at once, and three quarters of the speed with it; what it leaves are single trigrams.)
INSERT INTO otp_search (otp_search, rank) VALUES ('automerge', 16);
INSERT INTO otp_search (otp_search, rank) VALUES ('crisismerge', 32);
INSERT INTO otp_search (otp_search) VALUES ('rebuild');

CREATE TRIGGER otp_codes_inserted AFTER INSERT ON otp_codes
BEGIN
    UPDATE otp_totals SET codes = codes + 1, with_email = with_email + (new.email IS NOT NULL);
    INSERT INTO otp_search (rowid, code, mobile_number, email)
    VALUES (new.id, new.code, new.mobile_number, new.email);
END;

CREATE TRIGGER otp_codes_deleted AFTER DELETE ON otp_codes
BEGIN
    UPDATE otp_totals SET codes = codes - 1, with_email = with_email - (old.email IS NOT NULL);
    INSERT INTO otp_search (otp_search, rowid, code, mobile_number, email)
    VALUES ('delete', old.id, old.code, old.mobile_number, old.email);
END;

CREATE TRIGGER otp_codes_changed AFTER UPDATE OF code, mobile_number, email ON otp_codes
WHEN old.code <> new.code
  OR old.mobile_number IS NOT new.mobile_number
  -- An address that differs in case alone is another text to show, and the same one to find.
  OR old.email COLLATE BINARY IS NOT new.email
BEGIN
    UPDATE otp_totals SET with_email = with_email + (new.email IS NOT NULL) - (old.email IS NOT NULL)
     WHERE (new.email IS NULL) <> (old.email IS NULL);
    INSERT INTO otp_search (otp_search, rowid, code, mobile_number, email)
    VALUES ('delete', old.id, old.code, old.mobile_number, old.email);
    INSERT INTO otp_search (rowid, code, mobile_number, email)
    VALUES (new.id, new.code, new.mobile_number, new.email);
END;
