//! A provider with planned outcomes and delivery reports.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use otpd::delivery::{Chain, Delivery, Provider};
use otpd::domain::attempt::{DeliveryStatus, Outcome, Report};
use otpd::domain::message::{Channel, Message, PerChannel};
use otpd::service::Settings;

/// What a provider has received, and what it answers.
#[derive(Default)]
pub struct Script {
    /// The outcome of the next attempts. Afterwards, messages are accepted.
    pub outcomes: Vec<Outcome>,
    /// The status of each accepted message. `None`: status requests fail.
    pub status: Option<DeliveryStatus>,
    /// What `find` returns. `None`: the provider can't find messages.
    pub found: Option<Report>,
    /// The channel and the reference of each message, in order.
    pub received: Vec<(Channel, u64)>,
    /// The number of ids in each status request.
    pub asked: Vec<usize>,
}

/// Clones share one script.
#[derive(Clone)]
pub struct Scripted {
    name: &'static str,
    batch: usize,
    script: Arc<Mutex<Script>>,
}

impl Scripted {
    /// Accepts all messages and reports them as waiting.
    pub fn new(name: &'static str) -> Self {
        Self::with(name, Script { status: Some(DeliveryStatus::Waiting), ..Script::default() })
    }

    pub fn with(name: &'static str, script: Script) -> Self {
        Self { name, batch: 100, script: Arc::new(Mutex::new(script)) }
    }

    /// Accepts all messages and reports this status.
    pub fn reporting(name: &'static str, status: DeliveryStatus) -> Self {
        Self::with(name, Script { status: Some(status), ..Script::default() })
    }

    /// Ends every attempt with this outcome.
    pub fn refusing(name: &'static str, outcome: Outcome) -> Self {
        Self::with(name, Script { outcomes: vec![outcome; 100], ..Script::default() })
    }

    pub fn edit<T>(&self, edit: impl FnOnce(&mut Script) -> T) -> T {
        edit(&mut self.script.lock().unwrap())
    }

    /// The number of received messages.
    pub fn received(&self) -> usize {
        self.edit(|script| script.received.len())
    }
}

impl Provider for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn type_name(&self) -> &'static str {
        "scripted"
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Report> {
        let report = self.edit(|script| {
            script.received.push((message.channel, message.reference));
            match script.outcomes.pop() {
                None | Some(Outcome::Sent) => Report::sent(Some(format!("{}-{}", self.name, script.received.len()))),
                Some(outcome) => Report::not_sent(outcome, "as planned"),
            }
        });
        Box::pin(async { report })
    }

    fn status_batch(&self) -> usize {
        self.batch
    }

    fn statuses<'a>(&'a self, ids: &'a [String]) -> BoxFuture<'a, Result<Vec<(String, DeliveryStatus)>, String>> {
        let status = self.edit(|script| {
            script.asked.push(ids.len());
            script.status
        });
        let statuses = status.map(|status| ids.iter().map(|id| (id.clone(), status)).collect());
        Box::pin(async { statuses.ok_or_else(|| "the status is not available".to_owned()) })
    }

    fn read_callback(&self, fields: &[(String, String)]) -> Option<(String, DeliveryStatus)> {
        let fields: HashMap<&str, &str> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Some(((*fields.get("id")?).to_owned(), fields.get("status")?.parse().ok()?))
    }

    fn can_find(&self) -> bool {
        self.edit(|script| script.found.is_some())
    }

    fn find<'a>(&'a self, _: &'a Message) -> BoxFuture<'a, Option<Report>> {
        let found = self.edit(|script| script.found.clone());
        Box::pin(async { found })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async { Ok("as planned".to_owned()) })
    }
}

/// A chain of these providers.
pub fn chain(providers: &[&Scripted]) -> Chain {
    Chain::new(providers.iter().map(|provider| Box::new((*provider).clone()) as Box<dyn Provider>).collect())
}

/// Settings with these chains, a fallback margin of 20 seconds, and escalation after 15 seconds.
pub fn with_chains(chains: PerChannel<Chain>) -> Settings {
    let second = std::time::Duration::from_secs(1);
    let delivery =
        Delivery { chains, fallback_margin: Some(second * 20), escalate_after: second * 15, ..Delivery::default() };
    Settings { delivery, ..Settings::default() }
}

/// Settings with these providers for SMS.
pub fn with_sms(providers: &[&Scripted]) -> Settings {
    with_chains(PerChannel { sms: chain(providers), ..PerChannel::default() })
}
