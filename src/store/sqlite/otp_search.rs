//! Table `otp_search`, the full-text index of the codes.
//!
//! Triggers record the changed codes in `otp_search_changes`. The index is updated once per transaction, because FTS5
//! flushes its data at each statement.

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
/// sees each committed change.
pub fn update(db: &Connection) -> rusqlite::Result<()> {
    if db.prepare_cached(HAS_CHANGES)?.query_row([], |row| row.get(0))? {
        for sql in [UPDATE, "DELETE FROM otp_search_changes"] {
            db.prepare_cached(sql)?.execute([])?;
        }
    }
    Ok(())
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
