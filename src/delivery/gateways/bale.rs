//! Bale Safir: codes in the Bale messenger, through API v3 with a bot (`send_message`) or v2 (`send_otp`).
//! Sources: safir.bale.ai and business.bale.ai, as quoted by public clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use crate::delivery::gateways::prelude::*;
use crate::delivery::http_client::HttpClient;

const KEY: HeaderName = HeaderName::from_static("api-access-key");

/// A token is replaced this long before it expires.
const EXPIRY_MARGIN: Duration = Duration::from_mins(1);
/// Lifetime of a token if the answer names none.
const TOKEN_LIFETIME: u64 = 3600;

pub(super) fn read(table: &dyn ReadKeys, name: String) -> Result<ProviderSettings, ConfigError> {
    let login = match table.optional("client_id")? {
        Some(client_id) => {
            Login::V2 { client_id, client_secret: table.secret("client_secret")?, token: Arc::default() }
        }
        None => {
            let number = |text: &str| text.parse().ok().filter(|id: &i64| *id > 0).map(Some);
            let bot_id = table.parsed("bot_id", "the number of the bot", None, number)?;
            Login::V3 { api_key: header_key(table)?, bot_id: bot_id.ok_or_else(|| table.missing("bot_id"))? }
        }
    };
    Ok((Connection::read(table, name, "https://safir.bale.ai")?, Bale { login }).into())
}

#[derive(Clone, Debug)]
pub(super) struct Bale {
    login: Login,
}

/// The version of the API and its credentials.
#[derive(Clone, Debug)]
enum Login {
    V3 { api_key: Secret, bot_id: i64 },
    V2 { client_id: String, client_secret: Secret, token: Arc<Mutex<Option<Token>>> },
}

/// An access token of v2.
#[derive(Clone, Debug)]
struct Token {
    value: Secret,
    valid_until: Instant,
}

impl Gateway for Bale {
    const TYPE: &'static str = "bale";

    fn request(&self, message: &Message) -> Result<Call, String> {
        let code = message.code.value().to_string();
        let Login::V3 { api_key, bot_id } = &self.login else {
            if !(3..=8).contains(&code.len()) || code.starts_with('0') {
                return Err("Bale v2 sends only codes of 3 to 8 digits without a leading zero; use v3 (api_key and \
                            bot_id) or set otp.code_length"
                    .to_owned());
            }
            let body = json!({ "phone": national(message), "otp": message.code.value() });
            return Ok(Call::json("/api/v2/send_otp", &body));
        };
        let body = json!({
            "request_id": message.reference.to_string(),
            "bot_id": bot_id,
            "phone_number": national(message),
            "message_data": { "otp_message": { "otp": code } },
        });
        Ok(Call::json("/api/v3/send_message", &body).with_key(KEY, api_key))
    }

    fn interpret(&self, answer: &Answer) -> Report {
        let code = ["/error_data/0/code", "/code", "/error/code"].iter().find_map(|it| answer.code(it));
        // Without JSON, 404 means that the address of the API is wrong.
        let is_v2_answer = matches!(self.login, Login::V2 { .. }) && answer.body.is_object();
        let is_refused = answer.body.pointer("/error_data/0").is_some();
        let (outcome, meaning) = match (code, answer.status) {
            (Some(17), _) => return Report::not_sent(Outcome::BadRecipient, NO_ACCOUNT),
            (None, 404) if is_v2_answer => return Report::not_sent(Outcome::BadRecipient, NO_ACCOUNT),
            (Some(8), _) => (Outcome::BadRecipient, "the number was rejected"),
            (Some(20), _) | (None, 402) => (Outcome::Next, "the credit is used up"),
            (Some(21), _) => (Outcome::Next, "the contact limit of the account is reached"),
            (Some(3 | 18), _) | (None, 429) => (Outcome::Retry, "too many messages"),
            (Some(2), _) => (Outcome::Retry, "the gateway is unavailable"),
            (Some(4), _) => (Outcome::Misconfigured, "the request was rejected; check bot_id"),
            (None, 200..300) if !is_refused => return self.read_accepted(answer),
            (_, 200..300) => (Outcome::Next, "the gateway rejected the message"),
            _ => return answer.by_status(),
        };
        Report::not_sent(outcome, format!("{}: {meaning}", code.unwrap_or_else(|| answer.status.into())))
    }

    fn send<'a>(&'a self, client: &'a HttpClient, message: &'a Message) -> BoxFuture<'a, Report> {
        Box::pin(async move {
            for is_last in [false, true] {
                let answer = match self.request_once(client, message).await {
                    Ok(answer) => answer,
                    Err(report) => return report,
                };
                // The gateway can end a token early. A new one is fetched once.
                match &self.login {
                    Login::V2 { token, .. } if answer.status == 401 && !is_last => *token.lock().await = None,
                    _ => return self.interpret(&answer),
                }
            }
            Report::not_sent(Outcome::Misconfigured, "401: the key was rejected")
        })
    }

    fn can_find(&self) -> bool {
        matches!(self.login, Login::V3 { .. })
    }

    /// v3 sends a message with the same `request_id` only once. So the request is repeated.
    fn find<'a>(&'a self, client: &'a HttpClient, message: &'a Message) -> BoxFuture<'a, Option<Report>> {
        Box::pin(async move {
            if !self.can_find() {
                return None;
            }
            Some(self.send(client, message).await).filter(|report| report.outcome != Outcome::Unknown)
        })
    }

    fn checks(&self) -> Vec<Check> {
        let Login::V2 { client_id, client_secret, .. } = &self.login else { return Vec::new() };
        vec![Check::new(token_request(client_id, client_secret), |answer| {
            if matches!(answer.status, 400 | 401) {
                return Some(Err(REJECTED.to_owned()));
            }
            read_token(answer).map(|_| Ok("the client_id and the client_secret are valid".to_owned()))
        })]
    }

    fn only_by_sending(&self) -> Option<&'static str> {
        None
    }
}

const NO_ACCOUNT: &str = "the number has no Bale account";
const REJECTED: &str = "the client_id or the client_secret was rejected";

impl Bale {
    fn read_accepted(&self, answer: &Answer) -> Report {
        match self.login {
            Login::V3 { .. } => answer.accepted("/message_id"),
            Login::V2 { .. } if answer.text("/balance").is_some() => Report::sent(None),
            Login::V2 { .. } => answer.by_status(),
        }
    }

    async fn request_once(&self, client: &HttpClient, message: &Message) -> Result<Answer, Report> {
        let call = self.request(message).map_err(|cause| Report::not_sent(Outcome::Misconfigured, cause))?;
        let Login::V2 { client_id, client_secret, token } = &self.login else { return client.request(call).await };
        // Held during the request, so that messages that are sent at the same time share one token.
        let mut cached = token.lock().await;
        let token = match cached.clone().filter(|token| token.valid_until > Instant::now()) {
            Some(token) => token,
            None => cached.insert(fetch_token(client, token_request(client_id, client_secret)).await?).clone(),
        };
        drop(cached);
        let bearer = Secret::new(format!("Bearer {}", token.value.reveal()));
        client.request(call.authorized(&bearer)).await
    }
}

fn token_request(client_id: &str, client_secret: &Secret) -> Call {
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id),
        ("client_secret", client_secret.reveal()),
        ("scope", "read"),
    ];
    Call::form("/api/v2/auth/token", &fields)
}

/// Fetches a token. Without a token no message was sent, whatever happened to the request.
async fn fetch_token(client: &HttpClient, request: Call) -> Result<Token, Report> {
    let not_sent = |outcome: Outcome, words: &str| Report::not_sent(outcome, format!("no access token: {words}"));
    let answer = client.request(request).await.map_err(|report| {
        let outcome = if report.outcome == Outcome::Unknown { Outcome::Retry } else { report.outcome };
        not_sent(outcome, &report.error.unwrap_or_default())
    })?;
    if matches!(answer.status, 400 | 401) {
        return Err(not_sent(Outcome::Misconfigured, REJECTED));
    }
    read_token(&answer).ok_or_else(|| {
        let report = answer.by_status();
        let outcome = if report.outcome == Outcome::Unknown { Outcome::Retry } else { report.outcome };
        not_sent(outcome, &report.error.unwrap_or_default())
    })
}

fn read_token(answer: &Answer) -> Option<Token> {
    let value = answer.text("/access_token").filter(|_| answer.is_success())?;
    let seconds = answer.number("/expires_in").and_then(|it| u64::try_from(it).ok()).unwrap_or(TOKEN_LIFETIME);
    let lifetime = Duration::from_secs(seconds.min(24 * TOKEN_LIFETIME)).saturating_sub(EXPIRY_MARGIN);
    Some(Token { value: Secret::new(value), valid_until: Instant::now() + lifetime })
}
