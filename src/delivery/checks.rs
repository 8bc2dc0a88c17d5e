//! Checks of a gateway for `otpd doctor`, without sending a message.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::delivery::answer::Answer;
use crate::delivery::call::Call;
use crate::delivery::gateway::Gateway;
use crate::delivery::http_client::HttpClient;

/// Tolerated difference between two clocks. It is larger than the error of a synchronized clock and smaller than the
/// lifetime of a code.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

type Read = dyn Fn(&Answer) -> Option<Result<String, String>> + Send + Sync;

/// A request that checks one thing free of charge.
pub(super) struct Check {
    call: Call,
    read: Box<Read>,
}

impl Check {
    /// `read` returns what the answer confirms, or the problem that it shows. `None`: the answer is a refusal, which
    /// [`Gateway::interpret`] explains.
    pub(super) fn new(
        call: Call,
        read: impl Fn(&Answer) -> Option<Result<String, String>> + Send + Sync + 'static,
    ) -> Self {
        Self { call, read: Box::new(read) }
    }

    /// A check of the key and the credit. `credit` returns the credit from the answer. An answer with a credit proves
    /// that the key is valid. `unit` is the unit of the credit.
    pub(super) fn credit(call: Call, credit: fn(&Answer) -> Option<String>, unit: &'static str) -> Self {
        Self::new(call, move |answer| {
            credit(answer).filter(|_| answer.is_success()).and_then(|credit| credit_words(&credit, unit))
        })
    }

    /// A check that something exists in the panel, such as "the template 7". For gateways that answer with the status
    /// "success" or "error".
    pub(super) fn exists(call: Call, what: String) -> Self {
        Self::new(call, move |answer| match answer.text("/status").as_deref() {
            Some("success") if answer.is_success() => Some(Ok(format!("{what} exists"))),
            Some("error") if matches!(answer.status, 200..300 | 400 | 404 | 422) => {
                Some(Err(format!("{what} does not exist")))
            }
            _ => None,
        })
    }
}

/// Returns the words about a credit, or the problem that it is used up. `None`: it is not a number.
pub(super) fn credit_words(credit: &str, unit: &str) -> Option<Result<String, String>> {
    let value: f64 = credit.trim().parse().ok().filter(|value: &f64| value.is_finite())?;
    Some(if value <= 0.0 {
        Err("the key is valid, but the credit is used up".to_owned())
    } else {
        Ok(format!("the key is valid; credit: {} {unit}", credit.trim()))
    })
}

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
