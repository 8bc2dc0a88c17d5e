-- The audit trail: one row per change, stored in the transaction of the change.
CREATE TABLE audit_events (
    -- AUTOINCREMENT: an id is never reused, so that a reader can continue after the last id that it has seen.
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    at                    INTEGER NOT NULL,
    actor_kind            TEXT NOT NULL CHECK (actor_kind IN ('user', 'command', 'system')),
    actor_name            TEXT NOT NULL,
    -- The prefix of the token that the user sent.
    token_prefix          TEXT,
    action                TEXT NOT NULL,
    -- The id of the code, which may be deleted.
    otp_id                INTEGER,
    -- Masked.
    recipient             TEXT,
    -- Keyed hashes of the recipient, and of the previous one if the recipient was changed.
    recipient_hash        INTEGER,
    former_recipient_hash INTEGER,
    -- A JSON object: {"field": [before, after]}. It contains no code and no complete recipient.
    changes               TEXT NOT NULL,
    request_id            TEXT,
    -- The IP address of the client.
    address               TEXT
) STRICT;

-- The key of the hashes of recipients. One row.
CREATE TABLE audit_key (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value BLOB NOT NULL CHECK (length(value) = 16)
) STRICT;
INSERT INTO audit_key (id, value) VALUES (1, randomblob(16));

-- Finds events by code, recipient, actor and action. Events are added to it in blocks, some time after they are stored:
-- indexes that are updated with each change would take almost half of the speed of changes.
CREATE VIRTUAL TABLE audit_search USING fts5 (
    terms,
    content = '',
    contentless_delete = 1,
    detail = none,
    tokenize = 'ascii'
);

-- The blocks of events in the index, with the times of their events.
CREATE TABLE audit_blocks (
    last_id  INTEGER PRIMARY KEY,
    first_id INTEGER NOT NULL,
    earliest INTEGER NOT NULL,
    latest   INTEGER NOT NULL,
    events   INTEGER NOT NULL
) STRICT;

-- Events before this time may be deleted: their retention period (audit.retention) is over. One row.
CREATE TABLE audit_retention (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    before INTEGER NOT NULL
) STRICT;
INSERT INTO audit_retention (id, before) VALUES (1, -9223372036854775808);

CREATE TRIGGER audit_events_not_updated BEFORE UPDATE ON audit_events
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;

CREATE TRIGGER audit_events_not_deleted BEFORE DELETE ON audit_events
WHEN old.at >= (SELECT before FROM audit_retention WHERE id = 1)
BEGIN
    SELECT RAISE(ABORT, 'audit events are deleted only after audit.retention');
END;

-- INSERT OR REPLACE deletes the old row without its trigger.
CREATE TRIGGER audit_events_not_replaced BEFORE INSERT ON audit_events
WHEN new.id > 0 AND EXISTS (SELECT 1 FROM audit_events WHERE id = new.id)
BEGIN
    SELECT RAISE(ABORT, 'audit events are never changed');
END;
