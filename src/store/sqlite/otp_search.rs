//! Table `otp_search`, the full-text index of the codes.
//!
//! Triggers record the changed codes in `otp_search_changes`. The index is updated once per transaction, because FTS5
//! flushes its data at each statement.

use std::cell::Cell;

use rusqlite::Connection;

const HAS_CHANGES: &str = "SELECT EXISTS (SELECT 1 FROM otp_search_changes)";

/// Removes the old texts and adds the new ones. FTS5 writes a segment for each statement, and whenever a row id is lower
/// than the previous one. One statement therefore does both, in the order of the ids, and the old text of a code first.
/// `CROSS JOIN` fixes the order of the tables: there are no statistics about a table that is empty after each commit.
const UPDATE: &str = "
    INSERT INTO otp_search (otp_search, rowid, code, mobile_number, email)
    SELECT 'delete' AS command, id, code, mobile_number, email
      FROM otp_search_changes
     WHERE is_indexed = 1
     UNION ALL
    SELECT NULL, o.id, o.code, o.mobile_number, o.email
      FROM otp_search_changes AS c
     CROSS JOIN otp_codes AS o
     WHERE o.id = c.id
     ORDER BY id, command DESC";

/// Brings the index up to date. Called at the end of every transaction that may have changed codes, so that a search
/// sees each committed change. Returns the number of texts that were removed or added.
pub fn update(db: &Connection) -> rusqlite::Result<usize> {
    if !db.prepare_cached(HAS_CHANGES)?.query_row([], |row| row.get(0))? {
        return Ok(0);
    }
    let texts = db.prepare_cached(UPDATE)?.execute([])?;
    db.prepare_cached("DELETE FROM otp_search_changes")?.execute([])?;
    Ok(texts)
}

/// Each transaction adds a segment to the index, and segments must be merged. FTS5 does that in large steps, which delay
/// a commit by tens of milliseconds. These steps are smaller and more frequent: one step per `TEXTS_PER_STEP` texts.
const TEXTS_PER_STEP: usize = 128;
/// About how many pages a step writes. It writes more if it reaches a trigram that many codes contain, because FTS5 ends a
/// step only between two trigrams. Steps of this size kept pace with 900,000 updates (`docs/performance.md`).
const PAGES_PER_STEP: usize = 16;
/// Each segment counts as this many additional texts, because a small segment has to be merged too.
const TEXTS_PER_SEGMENT: usize = 8;

/// The index, for a connection that makes many changes.
#[derive(Default)]
pub struct SearchIndex {
    /// The texts since the last step.
    texts: Cell<usize>,
}

impl SearchIndex {
    /// Brings the index up to date like the function `update`. Also merges segments after every `TEXTS_PER_STEP` texts.
    /// Without that, FTS5 merges a whole level of the index when it has 32 segments.
    pub fn update(&self, db: &Connection) -> rusqlite::Result<()> {
        let texts = match update(db)? {
            0 => return Ok(()),
            texts => self.texts.get() + texts + TEXTS_PER_SEGMENT,
        };
        self.texts.set(texts % TEXTS_PER_STEP);
        let pages = texts / TEXTS_PER_STEP * PAGES_PER_STEP;
        if pages > 0 {
            let pages = i32::try_from(pages).unwrap_or(i32::MAX);
            db.prepare_cached("INSERT INTO otp_search (otp_search, rank) VALUES ('merge', $1)")?.execute([pages])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stores code 1 for `old@example.com`, then runs `sql` in one transaction. Returns the ids that a search for `old`
    /// finds, and those that a search for `new` finds.
    fn found_after(sql: &str) -> (Vec<i64>, Vec<i64>) {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::store::sqlite::tests::database(&folder);
        for sql in [&insert(1, "old@example.com"), sql] {
            db.execute_batch("BEGIN").unwrap();
            db.execute_batch(sql).unwrap();
            update(&db).unwrap();
            db.execute_batch("COMMIT").unwrap();
        }
        db.execute("INSERT INTO otp_search (otp_search, rank) VALUES ('integrity-check', 1)", []).unwrap();
        assert!(!db.query_row(HAS_CHANGES, [], |row| row.get::<_, bool>(0)).unwrap());
        let ids = |word: &str| {
            let mut find = db.prepare("SELECT rowid FROM otp_search WHERE otp_search MATCH $1 ORDER BY rowid").unwrap();
            find.query_map([word], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        };
        (ids("old"), ids("new"))
    }

    fn insert(id: i64, email: &str) -> String {
        format!(
            "INSERT INTO otp_codes (id, code, email, valid_to, created_at, updated_at) VALUES ({id}, 1, '{email}', 0, 0, 0);"
        )
    }

    fn set(email: &str) -> String {
        format!("UPDATE otp_codes SET email = '{email}' WHERE id = 1;")
    }

    #[test]
    fn an_update_of_the_index_reads_only_the_changed_codes() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::store::sqlite::tests::database(&folder);
        let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {UPDATE}")).unwrap();
        let steps: Vec<String> =
            plan.query_map([], |row| row.get("detail")).unwrap().collect::<Result<_, _>>().unwrap();
        let scans: Vec<_> = steps.iter().filter(|step| step.starts_with("SCAN")).collect();
        assert_eq!(scans, ["SCAN otp_search_changes", "SCAN c"], "{steps:?}");
    }

    /// Updates `codes` codes in each of 600 transactions, while FTS5 merges nothing itself. Returns the most segments
    /// that the index had.
    fn most_segments(codes: i64, update: impl Fn(&Connection)) -> i64 {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::store::sqlite::tests::database(&folder);
        db.execute("INSERT INTO otp_search (otp_search, rank) VALUES ('crisismerge', 1000)", []).unwrap();
        (1..=codes).for_each(|id| db.execute_batch(&insert(id, &format!("{id}@example.com"))).unwrap());
        let segments = |n: i64| -> i64 {
            let transaction = db.unchecked_transaction().unwrap();
            let sql = "UPDATE otp_codes SET email = (id * 7919 * $1 % 1000003) || '@' || (id * $1) || '.example.com'";
            transaction.execute(sql, [n]).unwrap();
            update(&transaction);
            transaction.commit().unwrap();
            let segments = "SELECT count(DISTINCT id >> 37) FROM otp_search_data WHERE id > 10";
            db.query_row(segments, [], |row| row.get(0)).unwrap()
        };
        let most = (1..=600).map(segments).max().unwrap();
        db.execute("INSERT INTO otp_search (otp_search, rank) VALUES ('integrity-check', 1)", []).unwrap();
        most
    }

    /// At 32 segments on a level, FTS5 would merge the whole level in one commit.
    #[test]
    fn segments_are_merged_as_fast_as_they_are_added() {
        for codes in [1, 8, 64] {
            let index = SearchIndex::default();
            let most = most_segments(codes, |db| index.update(db).unwrap());
            assert!(most < 32, "{most} segments with {codes} codes");
        }
        assert_eq!(most_segments(1, |db| assert!(update(db).unwrap() > 0)), 600);
    }

    #[test]
    fn fts5_makes_no_large_steps() {
        let folder = tempfile::tempdir().unwrap();
        let db = crate::store::sqlite::tests::database(&folder);
        let setting = |name: &str| -> i64 {
            db.query_row("SELECT v FROM otp_search_config WHERE k = $1", [name], |row| row.get(0)).unwrap()
        };
        assert_eq!(["automerge", "usermerge", "crisismerge"].map(setting), [0, 16, 32]);
    }

    const DELETE: &str = "DELETE FROM otp_codes WHERE id = 1;";

    #[test]
    fn the_index_follows_the_changes_of_a_transaction() {
        let (none, one, two) = (Vec::new(), vec![1], vec![2]);
        let table = [
            (String::new(), (&one, &none)),
            (insert(2, "new@example.com"), (&one, &two)),
            (set("new@example.com"), (&none, &one)),
            (set("other@example.com") + &set("new@example.com"), (&none, &one)),
            (set("new@example.com") + &set("old@example.com"), (&one, &none)),
            (set("OLD@example.com"), (&one, &none)),
            (DELETE.to_owned(), (&none, &none)),
            (set("new@example.com") + DELETE, (&none, &none)),
            (
                insert(2, "other@example.com") + "UPDATE otp_codes SET email = 'new@example.com' WHERE id = 2;",
                (&one, &two),
            ),
            (insert(2, "new@example.com") + "DELETE FROM otp_codes WHERE id = 2;", (&one, &none)),
            (DELETE.to_owned() + &insert(1, "new@example.com"), (&none, &one)),
            (DELETE.to_owned() + &insert(1, "new@example.com") + DELETE, (&none, &none)),
            (
                "UPDATE otp_codes SET email = NULL, mobile_number = '09123456789' WHERE id = 1;".to_owned(),
                (&none, &none),
            ),
            ("UPDATE otp_codes SET valid_to = 5 WHERE id = 1;".to_owned(), (&one, &none)),
        ];
        for (sql, (old, new)) in table {
            assert_eq!(found_after(&sql), (old.clone(), new.clone()), "{sql}");
        }
    }
}
