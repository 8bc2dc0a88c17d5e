-- Channels, delivery status and fallback. The constraints of both tables change, so both are created again.

CREATE TABLE new_messages (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    otp_id           INTEGER NOT NULL REFERENCES otp_codes (id) ON DELETE CASCADE,
    -- Identifies the message at providers that accept an id from the client.
    reference        INTEGER NOT NULL CHECK (reference BETWEEN 0 AND 9007199254740991),
    channel          TEXT NOT NULL CHECK (channel IN ('sms', 'call', 'bale', 'email')),
    -- The channels that are used if this one does not reach the recipient, separated by commas.
    next_channels    TEXT NOT NULL DEFAULT '',
    language         TEXT NOT NULL,
    state            TEXT NOT NULL
                     CHECK (state IN ('queued', 'sending', 'sent', 'delivered', 'undelivered', 'blocked', 'unknown',
                                      'failed', 'expired', 'cancelled')),
    -- When the next attempt is due.
    due_at           INTEGER NOT NULL,
    -- When the next channel is used, unless the message was delivered before. NULL: there is none.
    escalate_at      INTEGER,
    -- The channel in which it was sent again because a provider reported that it did not arrive.
    fallback_channel TEXT,
    -- Whether it must not be sent again: its code was changed, or a new code was sent.
    is_closed        INTEGER NOT NULL DEFAULT 0 CHECK (is_closed IN (0, 1)),
    -- Whether the figures contain it. Each message is counted once: when it ends, or when a provider first accepts it.
    is_counted       INTEGER NOT NULL DEFAULT 0 CHECK (is_counted IN (0, 1)),
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL
) STRICT;

INSERT INTO new_messages (
           id, otp_id, reference, channel, language, state, due_at, is_counted, created_at, updated_at
       )
SELECT id, otp_id, id, channel, language, state, due_at, state NOT IN ('queued', 'sending'), created_at, updated_at
  FROM messages;

CREATE TABLE new_message_attempts (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id          INTEGER NOT NULL REFERENCES new_messages (id) ON DELETE CASCADE,
    channel             TEXT NOT NULL CHECK (channel IN ('sms', 'call', 'bale', 'email')),
    provider            TEXT NOT NULL,
    -- NULL while the attempt is in progress. 'interrupted': otpd ended during the attempt.
    outcome             TEXT
                        CHECK (outcome IN ('sent', 'retry', 'next', 'bad_recipient', 'misconfigured', 'unknown',
                                           'interrupted')),
    provider_message_id TEXT,
    error               TEXT,
    started_at          INTEGER NOT NULL,
    finished_at         INTEGER,
    -- What the provider reported after it accepted the message. NULL: it does not report the delivery.
    status              TEXT CHECK (status IN ('waiting', 'delivered', 'undelivered', 'blocked')),
    -- When the provider first reported this status.
    status_at           INTEGER,
    -- When the provider is asked for the status again. NULL: it is not asked.
    status_due_at       INTEGER
) STRICT;

INSERT INTO new_message_attempts (
           id, message_id, channel, provider, outcome, provider_message_id, error, started_at, finished_at
       )
SELECT a.id,
       a.message_id,
       m.channel,
       a.provider,
       CASE WHEN a.error = 'the attempt was interrupted; the message may have been sent' THEN 'interrupted'
            ELSE a.outcome
       END,
       a.provider_message_id,
       a.error,
       a.started_at,
       a.finished_at
  FROM message_attempts AS a
  JOIN messages AS m ON m.id = a.message_id;

-- An id is never given out twice.
DELETE FROM sqlite_sequence WHERE name IN ('new_messages', 'new_message_attempts');
INSERT INTO sqlite_sequence (name, seq)
SELECT 'new_' || name, seq
  FROM sqlite_sequence
 WHERE name IN ('messages', 'message_attempts');

DROP TABLE message_attempts;
DROP TABLE messages;
ALTER TABLE new_messages RENAME TO messages;
ALTER TABLE new_message_attempts RENAME TO message_attempts;

CREATE INDEX messages_by_otp ON messages (otp_id);
CREATE INDEX messages_queued ON messages (channel, due_at) WHERE state = 'queued';
CREATE INDEX messages_sending ON messages (channel, id) WHERE state = 'sending';
CREATE INDEX messages_escalated ON messages (channel, escalate_at) WHERE escalate_at IS NOT NULL;
-- Finds the messages that may not have arrived, newest first. The states of most messages are in no index, because
-- an index makes the changes slower.
CREATE INDEX messages_not_sent ON messages (state, id)
 WHERE state IN ('undelivered', 'blocked', 'unknown', 'failed', 'expired', 'cancelled');

CREATE INDEX message_attempts_by_message ON message_attempts (message_id);
CREATE INDEX message_attempts_by_provider ON message_attempts (provider, message_id);
CREATE INDEX message_attempts_failed ON message_attempts (provider, id) WHERE error IS NOT NULL;
CREATE INDEX message_attempts_due ON message_attempts (channel, provider, status_due_at)
 WHERE status_due_at IS NOT NULL;
-- Finds the attempt that a provider reports on.
CREATE INDEX message_attempts_waiting ON message_attempts (provider_message_id) WHERE status = 'waiting';
