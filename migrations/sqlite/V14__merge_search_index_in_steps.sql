-- FTS5 merges the segments of the index in steps of 64 pages per level. One such step delayed a commit, and all changes that
-- waited for it, by up to 40 ms. otpd now makes smaller steps itself (src/store/sqlite/otp_search.rs): `automerge` is off,
-- and a step merges a level only if the level has at least `usermerge` segments.
INSERT INTO otp_search (otp_search, rank) VALUES ('automerge', 0);
INSERT INTO otp_search (otp_search, rank) VALUES ('usermerge', 16);
