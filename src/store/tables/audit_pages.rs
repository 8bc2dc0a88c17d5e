//! Pages of the audit trail in the console: by keys, with counts up to a bound.

use crate::domain::audit::AuditFilter;
use crate::domain::audit_list::{AuditListQuery, AuditPage};
use crate::domain::code_list::Start;
use crate::error::Result;
use crate::store::db::Db;
use crate::store::tables::audit_list::{newer, older, total_indexed};
use crate::store::tables::audit_search::last_indexed;

/// Returns a page of the list.
pub fn page(db: &Db, query: &AuditListQuery) -> Result<AuditPage> {
    let AuditListQuery { filter, start, limit } = query;
    let indexed = last_indexed(db)?;
    let (newer, older) = (newer(db, filter, indexed)?, older(db, filter, indexed)?);
    let bound = AuditPage::COUNTED + 1;
    let newer_count = newer.count_to(db, bound)?;
    let is_unfiltered = *filter == AuditFilter::default();
    let older_count = if is_unfiltered { total_indexed(db)? } else { older.count_to(db, bound - newer_count)? };
    let parts = if matches!(start, Start::Before(_)) { [older, newer] } else { [newer, older] };
    let mut events = Vec::new();
    for part in parts {
        let missing = (limit + 1).saturating_sub(events.len());
        events.extend(part.rows(db, *start, i64::try_from(missing).unwrap_or(i64::MAX))?);
    }
    let (events, has_before, has_after) = start.page(events, *limit);
    Ok(AuditPage { events, count: (newer_count + older_count).min(bound), has_before, has_after })
}
