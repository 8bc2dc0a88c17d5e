-- What a token is for, as its owner named it.
ALTER TABLE api_tokens ADD COLUMN name TEXT CHECK (length(name) BETWEEN 1 AND 64);
-- From this time on the token is refused. NULL: it does not expire.
ALTER TABLE api_tokens ADD COLUMN expires_at INTEGER;
