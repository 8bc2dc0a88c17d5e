-- What sending and verifying need to know of a code.
ALTER TABLE otp_codes ADD COLUMN purpose TEXT NOT NULL DEFAULT 'login' CHECK (length(purpose) BETWEEN 1 AND 32);
-- When otpd first issued it, to be sent; NULL: staff made it.
ALTER TABLE otp_codes ADD COLUMN issued_at INTEGER;
-- When it was last asked to be sent.
ALTER TABLE otp_codes ADD COLUMN sent_at INTEGER;
-- Guesses that may still be made: at 0 it is out of attempts, or consumed.
ALTER TABLE otp_codes ADD COLUMN attempts_left INTEGER NOT NULL DEFAULT 5 CHECK (attempts_left >= 0);
-- When it was verified; it never is again.
ALTER TABLE otp_codes ADD COLUMN consumed_at INTEGER CHECK (consumed_at IS NULL OR attempts_left = 0);
-- For the list: codes that are not allowed are the expired ones and these.
CREATE INDEX otp_codes_spent ON otp_codes (valid_to) WHERE attempts_left = 0;

-- The checksum covers the new columns too; of the rows that are there it is not known.
UPDATE otp_codes SET checksum = NULL;
DROP TRIGGER otp_codes_edited;
CREATE TRIGGER otp_codes_edited
AFTER UPDATE OF
    code, mobile_number, email, valid_to, created_at, updated_at, purpose, issued_at, sent_at, attempts_left, consumed_at
ON otp_codes
WHEN new.checksum IS old.checksum
BEGIN
    UPDATE otp_codes SET checksum = NULL WHERE id = new.id;
END;

-- Whoever failed since the last success. A recipient is a number, or an address in lower case.
CREATE TABLE recipients (
    recipient            TEXT PRIMARY KEY,
    consecutive_failures INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row that is written where there is no code to count a failure on: whether there is one is not to be told by the time
-- that an answer takes.
CREATE TABLE stand_in (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    failures INTEGER NOT NULL
) STRICT;
INSERT INTO stand_in (id, failures) VALUES (1, 0);

-- What the limits count: one row for each message asked for and each failed verification, kept for a day.
CREATE TABLE limit_events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    kind    TEXT NOT NULL,
    -- A recipient, or the id of a token; empty for what is counted over all.
    subject TEXT NOT NULL,
    -- The events of a subject are numbered, so that one far back is found without counting.
    nth     INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX limit_events_by_subject ON limit_events (kind, subject, nth);

-- Answers to be given again to who repeats a request.
CREATE TABLE idempotency_keys (
    user_id   INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the key, and of what was asked for with it.
    key_hash  BLOB NOT NULL CHECK (length(key_hash) = 32),
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    -- The first answer.
    otp_id    INTEGER NOT NULL,
    valid_to  INTEGER NOT NULL,
    sent_at   INTEGER NOT NULL,
    PRIMARY KEY (user_id, key_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_sent_at ON idempotency_keys (sent_at);

-- The outbox. A message holds no text: it is made out of the code when it is sent, and is gone with it.
CREATE TABLE messages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    otp_id     INTEGER NOT NULL REFERENCES otp_codes (id) ON DELETE CASCADE,
    channel    TEXT NOT NULL
               CHECK (channel IN ('sms', 'email')),
    language   TEXT NOT NULL,
    state      TEXT NOT NULL
               CHECK (state IN ('queued', 'sending', 'sent', 'unknown', 'failed', 'expired', 'cancelled')),
    -- When it is to be tried next.
    due_at     INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_otp ON messages (otp_id);
CREATE INDEX messages_queued ON messages (channel, due_at) WHERE state = 'queued';
CREATE INDEX messages_sending ON messages (channel, id) WHERE state = 'sending';

CREATE TABLE message_attempts (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id          INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    provider            TEXT NOT NULL,
    -- NULL while it is under way.
    outcome             TEXT
                        CHECK (outcome IN ('sent', 'retry', 'next', 'bad_recipient', 'misconfigured', 'unknown')),
    provider_message_id TEXT,
    error               TEXT,
    started_at          INTEGER NOT NULL,
    finished_at         INTEGER
) STRICT;
CREATE INDEX message_attempts_by_message ON message_attempts (message_id);

-- What the development provider was given.
CREATE TABLE inbox (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    channel    TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    subject    TEXT,
    text       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
