//! Checks of a gateway for `otpd doctor`, without sending a message.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::delivery::answer::Answer;
use crate::delivery::call::Call;
use crate::delivery::check::Check;
use crate::delivery::gateway::Gateway;
use crate::delivery::http_client::HttpClient;

/// Tolerated difference between two clocks. It is larger than the error of a synchronized clock and smaller than the
/// lifetime of a code.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

/// Checks a gateway. Returns what was confirmed, and what only a sent message can check.
///
/// # Errors
/// The problems, separated by semicolons.
pub(super) async fn run<G: Gateway>(gateway: &G, client: &HttpClient) -> Result<String, String> {
    let request = async |call| client.request(call).await.map_err(|report| report.error.unwrap_or_default());
    let (mut confirmed, mut problems) = (Vec::new(), Vec::new());
    let checks = gateway.checks();
    if checks.is_empty() {
        require_same_time(&request(Call::get("/")).await?)?;
        confirmed.push("reachable; the key is checked only by sending".to_owned());
    }
    for Check { call, read } in checks {
        let answer = request(call).await?;
        match read(&answer).unwrap_or_else(|| Err(explain(gateway, &answer))) {
            Ok(words) => {
                require_same_time(&answer)?;
                confirmed.push(words);
            }
            Err(words) if problems.contains(&words) => {}
            Err(words) => problems.push(words),
        }
    }
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    if let Some(what) = gateway.only_by_sending() {
        confirmed.push(format!("`otpd send-test` checks {what}"));
    }
    Ok(confirmed.join("; "))
}

fn explain<G: Gateway>(gateway: &G, answer: &Answer) -> String {
    gateway.interpret(answer).error.unwrap_or_else(|| format!("{}: unreadable response", answer.status))
}

/// Compares the local clock, which determines when codes expire, with the clock of the gateway.
///
/// # Errors
/// The clocks differ by more than `CLOCKS_DIFFER`.
fn require_same_time(answer: &Answer) -> Result<(), String> {
    let Some(theirs) = answer.date else { return Ok(()) };
    let ours = Utc::now();
    if (ours - theirs).abs() <= CLOCKS_DIFFER {
        return Ok(());
    }
    let shown = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (theirs, ours) = (shown(theirs), shown(ours));
    Err(format!(
        "the gateway's clock is {theirs}, the clock of this machine is {ours}; synchronize this machine with NTP"
    ))
}
