//! Requests that check the account of a gateway free of charge.

use crate::delivery::answer::Answer;
use crate::delivery::call::Call;

type Read = dyn Fn(&Answer) -> Option<Result<String, String>> + Send + Sync;

/// A request that checks one thing free of charge.
pub(super) struct Check {
    pub(super) call: Call,
    pub(super) read: Box<Read>,
}

impl Check {
    /// `read` returns what the answer confirms, or the problem that it shows. `None`: the answer is a refusal, which
    /// `Gateway::interpret` explains.
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
