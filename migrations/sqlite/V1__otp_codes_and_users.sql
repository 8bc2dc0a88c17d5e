-- Times are microseconds since 1970-01-01T00:00:00Z.

-- "otpd" in ASCII: how a start knows a database of its own from somebody else's.
PRAGMA application_id = 1869901924;

CREATE TABLE otp_codes (
    -- AUTOINCREMENT: an id is never given out twice, not even after a deletion.
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    -- 2^53 - 1: the greatest integer that every JSON client reads exactly.
    code          INTEGER NOT NULL CHECK (code BETWEEN 0 AND 9007199254740991),
    -- '09' and nine digits.
    mobile_number TEXT CHECK (mobile_number GLOB '09[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'),
    -- Compared without regard to case; the domain part is stored in lower case.
    email         TEXT COLLATE NOCASE CHECK (length(email) BETWEEN 3 AND 254),
    valid_to      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL CHECK (updated_at >= created_at),
    CHECK ((mobile_number IS NULL) <> (email IS NULL))
) STRICT;

CREATE TABLE users (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    role       TEXT NOT NULL CHECK (role IN ('admin', 'staff', 'user')),
    -- 0: disabled; the user's tokens are refused.
    is_active  INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE user_permissions (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The permission code of the API, such as 2853.
    code    INTEGER NOT NULL,
    PRIMARY KEY (user_id, code)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256 of the token; the token itself is shown once and stored nowhere.
    hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    -- Its first characters, by which people name it.
    prefix       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    -- Coarse: renewed at most once in ten minutes.
    last_used_at INTEGER
) STRICT;

CREATE INDEX api_tokens_by_user ON api_tokens (user_id);
CREATE INDEX api_tokens_by_prefix ON api_tokens (prefix);
