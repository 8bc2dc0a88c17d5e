//! Errors in single fields of a request.

use std::borrow::Cow;

/// Error messages by field, in the order in which the fields were checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(&'static str, Vec<Cow<'static, str>>)>);

impl FieldErrors {
    /// The name under which DRF reports errors that concern no single field.
    pub const NON_FIELD: &'static str = "non_field_errors";

    pub fn one(field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self(vec![(field, vec![message.into()])])
    }

    pub fn add(&mut self, field: &'static str, message: impl Into<Cow<'static, str>>) {
        match self.0.iter_mut().find(|(known, _)| *known == field) {
            Some((_, messages)) => messages.push(message.into()),
            None => self.0.push((field, vec![message.into()])),
        }
    }

    /// Returns the value of `outcome`, or records its error under `field` and returns `None`.
    pub fn note<T>(&mut self, field: &'static str, outcome: Result<T, InvalidValue>) -> Option<T> {
        outcome.map_err(|refusal| self.add(field, refusal.0)).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Iterates over the fields and their messages.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[Cow<'static, str>])> {
        self.0.iter().map(|(field, messages)| (*field, messages.as_slice()))
    }
}

/// Why a value was refused. The text is defined by the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidValue(pub Cow<'static, str>);

impl From<&'static str> for InvalidValue {
    fn from(message: &'static str) -> Self {
        Self(Cow::Borrowed(message))
    }
}
