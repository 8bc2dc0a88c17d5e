//! Magfa, HTTP v2: plain text. Source: messaging.magfa.com/ui/?public/wiki/api/http_v2.

use crate::delivery::gateways::prelude::*;

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let ((username, password), domain) = (login(table)?, table.text("domain")?);
    let gateway = Magfa { username: format!("{username}/{domain}"), password, sender: table.text("sender")? };
    Ok((Connection::read(table, name, "https://sms.magfa.com")?, gateway).into())
}

#[derive(Clone, Debug)]
pub(super) struct Magfa {
    /// User name and domain.
    username: String,
    password: Secret,
    /// The line.
    sender: String,
}

impl Magfa {
    fn get(&self, rest: &str) -> Call {
        Call::get(format!("/api/http/sms/v2/{rest}")).with_login(self.username.clone(), &self.password)
    }
}

impl Gateway for Magfa {
    const TYPE: &'static str = "magfa";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let body = json!({
            "senders": [self.sender],
            "recipients": [national(message)],
            "messages": [message.text.plain],
            "uids": [message.reference],
        });
        Ok(Call::json("/api/http/sms/v2/send", &body).with_login(self.username.clone(), &self.password))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let status = match answer.code("/status") {
            Some(0) => answer.code("/messages/0/status"),
            status => status,
        };
        let Some(status) = status.filter(|_| answer.is_success()) else { return answer.by_status() };
        let (outcome, meaning) = match status {
            0 => return answer.accepted("/messages/0/id"),
            1 => (Outcome::BadRecipient, "the number was rejected"),
            27 | 33 => (Outcome::Next, "the number is on the black list"),
            28 => (Outcome::Next, "the gateway does not send to this operator"),
            14 => (Outcome::Next, "the credit is used up"),
            8 => (Outcome::Next, "the line does not send at this time of day"),
            15 | 23 => (Outcome::Retry, "the gateway is unavailable"),
            2 | 20 | 34 => (Outcome::Misconfigured, "the account is not allowed to use this line"),
            16 | 17 | 22 => (Outcome::Misconfigured, "the account is not active"),
            18 | 19 => (Outcome::Misconfigured, "user name, password or domain is wrong"),
            29 => (Outcome::Misconfigured, "the address of this server is not allowed to use the account"),
            _ => (Outcome::Next, "the gateway rejected the message"),
        };
        Report::not_sent(outcome, format!("{status}: {meaning}"))
    }

    fn status_batch(&self) -> usize {
        100
    }

    fn status_request(&self, ids: &[String]) -> Option<Call> {
        Some(self.get(&format!("statuses/{}", comma_separated(ids))))
    }

    fn read_statuses(&self, _ids: &[String], answer: &Answer) -> Option<Statuses> {
        let items = answer.items("/dlrs").filter(|_| answer.number("/status") == Some(0))?;
        let state = |status| match status {
            1 => DeliveryStatus::Delivered,
            2 | 16 => DeliveryStatus::Undelivered,
            _ => DeliveryStatus::Waiting,
        };
        Some(items.iter().filter_map(|it| Some((it.text("/mid")?, state(it.number("/status")?)))).collect())
    }

    fn can_find(&self) -> bool {
        true
    }

    fn find_request(&self, message: &Message) -> Option<Call> {
        Some(self.get(&format!("mid/{}", message.reference)))
    }

    fn read_found(&self, _message: &Message, answer: &Answer) -> Option<Report> {
        match answer.number("/mid").filter(|_| answer.is_success() && answer.number("/status") == Some(0))? {
            id @ 1.. => Some(Report::sent(Some(id.to_string()))),
            -1 => Some(Report::not_sent(Outcome::Retry, "the gateway did not receive the message")),
            _ => None,
        }
    }

    fn checks(&self) -> Vec<Check> {
        let credit = |answer: &Answer| answer.text("/balance").filter(|_| answer.number("/status") == Some(0));
        vec![Check::credit(self.get("balance"), credit, "rials")]
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        Some("its line")
    }
}
