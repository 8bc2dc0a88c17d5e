//! Answers of the server.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;

/// A response of the server.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer { status: response.status(), headers: response.headers().clone(), body: response.text().await.unwrap() }
}

impl Answer {
    #[track_caller]
    pub fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status.as_u16(), self.body.as_str()), (status, body));
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Returns the body of a refusal that concerns one field.
pub fn on_field(field: &str, message: &str) -> String {
    format!(r#"{{"{field}":["{message}"]}}"#)
}

pub const NOT_FOUND: &str = r#"{"detail":"No OTPCode matches the given query."}"#;
pub const FORBIDDEN: &str = r#"{"detail":"You do not have permission to perform this action."}"#;
pub const NO_CREDENTIALS: &str = r#"{"detail":"Authentication credentials were not provided."}"#;
pub const ONE_RECIPIENT: &str = r#"{"non_field_errors":["Exactly one of mobile_number or email must be provided."]}"#;
