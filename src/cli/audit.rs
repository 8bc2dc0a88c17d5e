//! `otpd audit`: the audit trail as JSON lines.

use std::time::{Duration, Instant};

use crate::cli::database::{now_of, open};
use crate::cli::followed::Followed;
use crate::cli::output::{CommandResult, out};
use crate::cli::signals::Signals;
use crate::config::Config;
use crate::domain::audit::AuditEvent;
use crate::domain::timestamp::Timestamp;
use crate::http;
use crate::service::audit::{id_before, next_events};

/// How often `--follow` looks for new events.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The start of the events to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    Ago(Duration),
    At(Timestamp),
}

/// Parses the argument of `--since`.
///
/// # Errors
/// A sentence that states what is accepted.
pub(super) fn since(text: &str) -> Result<Since, &'static str> {
    let ago = humantime::parse_duration(text).map(Since::Ago).ok();
    let at = || Timestamp::parse(text).map(Since::At).ok();
    ago.or_else(at).ok_or("expected a duration such as 2h or 7d, or a date or time in UTC such as 2026-11-23T14:30")
}

/// Prints the events since `since`, oldest first, one JSON object per line. With `follow`, also prints new events until
/// a signal arrives.
pub(super) async fn show(config: &Config, since: Option<Since>, follow: bool) -> CommandResult {
    let signals = if follow { Some(Signals::catch()?) } else { None };
    let store = open(config)?;
    let start = since.map(|since| match since {
        Since::Ago(duration) => now_of(&store).minus(duration),
        Since::At(moment) => moment,
    });
    let mut last = match start {
        Some(start) => id_before(&store, start).await?,
        None => 0,
    };
    let mut followed = Followed::new(last, store.file().is_some());
    while !signals.as_ref().is_some_and(Signals::came) {
        let events = next_events(&store, last).await?;
        let new = followed.note(events.iter().map(|event| event.id), Instant::now());
        let is_shown = |event: &&AuditEvent| new.contains(&event.id) && start.is_none_or(|start| event.at >= start);
        let shown = events.iter().filter(is_shown);
        let lines = shown.map(http::event_json).collect::<Result<Vec<_>, _>>()?;
        out(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        match (events.last(), &signals) {
            (Some(event), _) => last = event.id,
            (None, None) => break,
            (None, Some(signals)) => {
                last = followed.floor();
                tokio::select! {
                    () = tokio::time::sleep(POLL_INTERVAL) => {}
                    () = signals.first() => {}
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_duration_or_a_time() {
        assert_eq!(since("2h"), Ok(Since::Ago(Duration::from_secs(7200))));
        assert_eq!(since("7d"), Ok(Since::Ago(Duration::from_secs(7 * 86400))));
        let at = |text: &str| Ok(Since::At(Timestamp::parse(text).unwrap()));
        assert_eq!(since("2026-11-23"), at("2026-11-23T00:00Z"));
        assert_eq!(since("2026-11-23T14:30+03:30"), at("2026-11-23T11:00Z"));
        for bad in ["", "yesterday", "2026-13-01", "-2h", "1405/09/02"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }
}
