-- One mailbox is one recipient: the domains of addresses are stored in their ASCII form. canonical_email() is a function
-- of otpd: it returns the address as the mail server receives it, or the text itself where that is not an address.
UPDATE otp_codes
   SET email = canonical_email(email)
 WHERE email IS NOT NULL
   AND email COLLATE BINARY <> canonical_email(email);

-- Recipients with failures since their last success. A recipient is a number, or an address in lower case.
CREATE TABLE recipients_of_v5 (
    recipient            TEXT PRIMARY KEY,
    consecutive_failures INTEGER NOT NULL,
    -- When the row can be deleted follows from this. Rows from before this column start with the time of the migration.
    last_failed_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO recipients_of_v5 (recipient, consecutive_failures, last_failed_at)
SELECT lower(canonical_email(recipient)), sum(consecutive_failures), unixepoch() * 1000000
  FROM recipients
 GROUP BY 1;
DROP TABLE recipients;
ALTER TABLE recipients_of_v5 RENAME TO recipients;
CREATE INDEX recipients_by_last_failed_at ON recipients (last_failed_at);

-- What the limits count: one row for each message requested and each failed verification, kept for a day.
CREATE TABLE limit_events_of_v5 (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT NOT NULL,
    -- A recipient, the id of a token or the network of a client; empty for what is counted over all.
    subject TEXT NOT NULL,
    -- The events of a subject are numbered, so that the nth newest is found without counting.
    nth     INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
INSERT INTO limit_events_of_v5 (kind, subject, nth, at)
SELECT kind, subject, row_number() OVER (PARTITION BY kind, subject ORDER BY at, id), at
  FROM (SELECT id,
               kind,
               CASE WHEN kind IN ('send_to', 'failure_of') THEN lower(canonical_email(subject)) ELSE subject END AS subject,
               at
          FROM limit_events
         WHERE kind <> 'send'
         UNION ALL
        -- Messages were counted together; now SMS and e-mails are counted apart. Each had a recipient.
        SELECT id,
               CASE WHEN instr(subject, '@') > 0 THEN 'send_email' ELSE 'send_sms' END,
               '',
               at
          FROM limit_events
         WHERE kind = 'send_to')
 ORDER BY at, id;
DROP TABLE limit_events;
ALTER TABLE limit_events_of_v5 RENAME TO limit_events;
CREATE UNIQUE INDEX limit_events_by_subject ON limit_events (kind, subject, nth);
CREATE INDEX limit_events_by_at ON limit_events (at);

-- Finds the usable codes of a recipient, however many others it has.
CREATE INDEX otp_codes_usable_by_mobile_number ON otp_codes (mobile_number, purpose, valid_to)
 WHERE attempts_left > 0 AND mobile_number IS NOT NULL;
CREATE INDEX otp_codes_usable_by_email ON otp_codes (email, purpose, valid_to)
 WHERE attempts_left > 0 AND email IS NOT NULL;

-- One row that is written where there is no code to count a failure on: the response time must not tell whether there is one.
ALTER TABLE stand_in RENAME TO dummy_row;
