-- Figures of sending and verifying for the console. They contain no recipients, and they remain after the codes are purged.
-- Each is counted in the transaction of the change that it counts.
CREATE TABLE hourly_figures (
    figure  TEXT NOT NULL,
    -- Hours since 1970-01-01T00:00:00Z.
    hour    INTEGER NOT NULL,
    -- What is counted: a channel, a provider, a setting, the number of a bucket, or two of these.
    subject TEXT NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (figure, hour, subject)
) STRICT, WITHOUT ROWID;

-- The sums of the hours of each day (UTC), so that long periods are read quickly.
CREATE TABLE daily_figures (
    figure  TEXT NOT NULL,
    -- Days since 1970-01-01.
    day     INTEGER NOT NULL,
    subject TEXT NOT NULL,
    count   INTEGER NOT NULL,
    PRIMARY KEY (figure, day, subject)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER hourly_figures_inserted AFTER INSERT ON hourly_figures
BEGIN
    INSERT INTO daily_figures (figure, day, subject, count)
    VALUES (new.figure, new.hour / 24, new.subject, new.count)
    ON CONFLICT (figure, day, subject) DO UPDATE SET count = count + excluded.count;
END;

CREATE TRIGGER hourly_figures_updated AFTER UPDATE OF count ON hourly_figures
BEGIN
    UPDATE daily_figures
       SET count = count + new.count - old.count
     WHERE figure = new.figure
       AND day = new.hour / 24
       AND subject = new.subject;
END;

-- Finds the messages that were not sent, and the messages of a provider, newest first. The states of most messages
-- (queued, sending, sent) are not in the first index, so it does not slow down their changes.
CREATE INDEX messages_not_sent ON messages (state, id) WHERE state IN ('unknown', 'failed', 'expired', 'cancelled');
CREATE INDEX message_attempts_by_provider ON message_attempts (provider, message_id);
CREATE INDEX message_attempts_failed ON message_attempts (provider, id) WHERE error IS NOT NULL;

-- Finds the recipients that are locked out.
CREATE INDEX recipients_by_failures ON recipients (consecutive_failures);
-- Finds the recipients that may have reached a limit. Most recipients have fewer events, which are not in the index.
CREATE INDEX limit_events_frequent ON limit_events (kind, at, subject, nth)
 WHERE kind IN ('send_to', 'failure_of') AND nth >= 3;
