-- The forms of the console that took effect, so that a form that is sent twice takes effect once.
CREATE TABLE sent_forms (
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- The random key of the form.
    key        BLOB NOT NULL CHECK (length(key) = 16),
    -- The id of the code that the form created. NULL: it created something else.
    otp_id     INTEGER,
    PRIMARY KEY (session_id, key)
) STRICT, WITHOUT ROWID;
