-- The outbox of the webhooks: one row per event and endpoint. A row is stored in the transaction of the change that it reports. It is
-- deleted when the endpoint has accepted the event, or after a day.
CREATE TABLE event_deliveries (
    -- AUTOINCREMENT: an id is never reused, so that a late result does not affect another event.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- SHA-256 of the URL. A URL that is configured later does not get the events of another one.
    endpoint   BLOB NOT NULL CHECK (length(endpoint) = 32),
    -- The header webhook-id. It is the same in all attempts.
    webhook_id TEXT NOT NULL,
    -- The type of the event, such as otp.verified.
    type       TEXT NOT NULL,
    -- The body of the request. It never contains a code. It contains the whole recipient only if the endpoint has include_recipient.
    body       TEXT NOT NULL,
    -- The number of failed attempts.
    attempts   INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- When the next attempt is due.
    due_at     INTEGER NOT NULL,
    -- When the event happened.
    created_at INTEGER NOT NULL
) STRICT;
-- Finds the due events of an endpoint, and the events that are too old.
CREATE INDEX event_deliveries_due ON event_deliveries (endpoint, due_at);
CREATE INDEX event_deliveries_by_created_at ON event_deliveries (created_at);
