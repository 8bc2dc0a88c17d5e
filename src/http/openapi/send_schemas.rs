//! JSON Schemas of the bodies for sending, verifying and resetting.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::message::{Channel, Language};
use crate::http::openapi::schemas::{body, code, email, empty, mobile_number, null, or_empty, typed};

/// The body of a send request, as JSON.
pub(crate) struct SendJson;
/// The body of a send request, as a form.
pub(crate) struct SendForm;
/// The body of a verify request, as JSON.
pub(crate) struct VerifyJson;
/// The body of a verify request, as a form.
pub(crate) struct VerifyForm;
/// The body of a reset request, as JSON.
pub(crate) struct RecipientJson;
/// The body of a reset request, as a form.
pub(crate) struct RecipientForm;

body!(SendJson, "Send", send(&null()));
body!(SendForm, "SendForm", send(&empty()));
body!(VerifyJson, "Verify", verify(&null()));
body!(VerifyForm, "VerifyForm", verify(&empty()));
body!(RecipientJson, "Recipient", recipient(&null(), |_| ObjectBuilder::new()));
body!(RecipientForm, "RecipientForm", recipient(&empty(), |_| ObjectBuilder::new()));

fn send(nothing: &Schema) -> OneOfBuilder {
    let rest = |to: &Recipients| {
        let languages = Language::ALL.iter().map(|language| language.as_str());
        let language = typed(Type::String).enum_values(Some(languages)).into();
        ObjectBuilder::new()
            .property("purpose", in_form(nothing, purpose()))
            .property("language", in_form(nothing, language))
            .property("channel", channel(to, *nothing == empty()))
            .property("client_ip", in_form(nothing, client_ip()))
    };
    recipient(nothing, rest).examples([json!({"mobile_number": "09123456789", "purpose": "login"})])
}

fn verify(nothing: &Schema) -> OneOfBuilder {
    let rest = |_: &Recipients| {
        ObjectBuilder::new()
            .property("code", code())
            .required("code")
            .property("purpose", in_form(nothing, purpose()))
            .property("client_ip", in_form(nothing, client_ip()))
    };
    recipient(nothing, rest).examples([json!({"mobile_number": "09123456789", "code": "255315"})])
}

/// A mobile number or an e-mail address, and the fields of `rest`.
fn recipient(nothing: &Schema, rest: impl Fn(&Recipients) -> ObjectBuilder) -> OneOfBuilder {
    OneOfBuilder::new()
        .description(Some("For a mobile number or an e-mail address. Unknown fields are ignored."))
        .item(
            rest(&Recipients::Numbers)
                .property("mobile_number", mobile_number())
                .required("mobile_number")
                .property("email", nothing.clone()),
        )
        .item(
            rest(&Recipients::Addresses)
                .property("email", email())
                .required("email")
                .property("mobile_number", nothing.clone()),
        )
}

/// Allows an empty field in a form, which counts as missing.
fn in_form(nothing: &Schema, schema: Schema) -> Schema {
    if *nothing == null() { schema } else { or_empty(schema) }
}

fn client_ip() -> Schema {
    let address =
        |format: &str| Schema::from(typed(Type::String).format(Some(SchemaFormat::Custom(format.to_owned()))));
    OneOfBuilder::new()
        .description(Some(
            "IP address of the end user. Each end user has separate limits. An IPv6 address counts as its /64 network.",
        ))
        .item(address("ipv4"))
        .item(address("ipv6"))
        .examples([json!("198.51.100.7")])
        .into()
}

/// The recipients of a variant of a body.
enum Recipients {
    Numbers,
    Addresses,
}

/// One channel or a list of channels. In a form, commas separate the channels.
fn channel(to: &Recipients, is_form: bool) -> Schema {
    let is_possible = |channel: &&Channel| (**channel == Channel::Email) == matches!(to, Recipients::Addresses);
    let names = || Channel::ALL.iter().filter(is_possible).map(|channel| channel.as_str());
    let description = "Channel of the message, or several in the order in which they are used. `sms`, `call` and `bale` \
                       reach mobile numbers, `email` reaches e-mail addresses. The default is `sms` or `email`.";
    if is_form {
        let lists = orders(&names().collect::<Vec<_>>()).join("|");
        let pattern = format!("^({lists})?$");
        return typed(Type::String).pattern(Some(pattern)).description(Some(description)).into();
    }
    let name = || typed(Type::String).enum_values(Some(names()));
    let list = ArrayBuilder::new().items(name()).min_items(Some(1)).unique_items(true);
    OneOfBuilder::new().description(Some(description)).item(name()).item(list).into()
}

/// All lists of different names, separated by commas.
fn orders(names: &[&str]) -> Vec<String> {
    let mut lists = Vec::new();
    for name in names {
        let others: Vec<&str> = names.iter().copied().filter(|other| other != name).collect();
        lists.push((*name).to_owned());
        lists.extend(orders(&others).into_iter().map(|rest| format!("{name},{rest}")));
    }
    lists
}

fn purpose() -> Schema {
    typed(Type::String)
        .pattern(Some("^[a-z0-9_-]{1,32}$"))
        .description(Some("Purpose of the code. A code for `login` cannot be verified for `reset`."))
        .default(Some(json!("login")))
        .into()
}
