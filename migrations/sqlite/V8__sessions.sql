-- Sessions of the console, and the links that start one.
CREATE TABLE sessions (
    -- AUTOINCREMENT: an id is never reused. The limits count a session without a token under its id.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- SHA-256 of the key in the cookie.
    hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The token that the user signed in with. NULL: the user signed in with a link.
    token_id     INTEGER REFERENCES api_tokens (id) ON DELETE CASCADE,
    created_at   INTEGER NOT NULL,
    -- The last activity, accurate to a minute.
    last_seen_at INTEGER NOT NULL CHECK (last_seen_at >= created_at),
    -- The IP address and the User-Agent of the sign-in.
    address      TEXT,
    browser      TEXT CHECK (length(browser) BETWEEN 1 AND 200)
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_token ON sessions (token_id);
CREATE INDEX sessions_by_last_seen_at ON sessions (last_seen_at);

-- The last searches of a session, so that a URL contains a number instead of a recipient.
CREATE TABLE session_searches (
    session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    n          INTEGER NOT NULL,
    q          TEXT NOT NULL,
    PRIMARY KEY (session_id, n)
) STRICT, WITHOUT ROWID;

-- Each link works once, for some minutes.
CREATE TABLE sign_in_links (
    -- SHA-256 of the key in the link.
    hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
    user_id    INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sign_in_links_by_user ON sign_in_links (user_id);
CREATE INDEX sign_in_links_by_created_at ON sign_in_links (created_at);
