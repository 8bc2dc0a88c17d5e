//! The labels of the console in Persian and English.
//!
//! Each file has the labels of a part of the console, both languages of a label on adjacent lines. A label without one
//! of the languages does not compile. Placeholders are words in braces, which [`placeholders::fill`] replaces.
//!
//! In Persian, an identifier such as a number, an address or an id must stand in `<bdi dir="ltr">`. For a label that
//! contains one, a page takes the texts [`placeholders::around`] the value.

mod format;
mod names;
pub mod placeholders;

use crate::domain::message::Language;

/// Defines a group of labels: a struct with a field per label, and its values in English and Persian.
macro_rules! labels {
    ($(#[$doc:meta])* $group:ident {
        $($(#[$label_doc:meta])* $label:ident: $en:literal, $fa:literal;)+
    }) => {
        $(#[$doc])*
        pub struct $group {
            $($(#[$label_doc])* pub $label: &'static str,)+
        }

        impl $group {
            pub const EN: Self = Self { $($label: $en,)+ };
            pub const FA: Self = Self { $($label: $fa,)+ };
            /// Name, English text and Persian text of each label.
            #[cfg(test)]
            pub const ALL: &'static [(&'static str, &'static str, &'static str)] =
                &[$((stringify!($label), $en, $fa),)+];
        }
    };
}

mod account;
mod audit;
mod code;
mod codes;
mod errors;
mod filters;
mod forms;
mod messages;
mod nav;
mod overview;
mod providers;
mod recipients;
mod sign_in;
mod time;
mod tokens;
mod users;

/// Defines [`Texts`] with a field per group.
macro_rules! groups {
    ($($group:ident: $type:ty;)+) => {
        /// All labels of the console in one language.
        pub struct Texts {
            language: Language,
            $(pub $group: $type,)+
        }

        pub static EN: Texts = Texts { language: Language::En, $($group: <$type>::EN,)+ };
        pub static FA: Texts = Texts { language: Language::Fa, $($group: <$type>::FA,)+ };

        /// Iterates over all labels: key (`group.label`), English text and Persian text.
        #[cfg(test)]
        fn labels() -> impl Iterator<Item = (String, &'static str, &'static str)> {
            [$((stringify!($group), <$type>::ALL),)+].into_iter().flat_map(|(group, labels)| {
                labels.iter().map(move |(label, en, fa)| (format!("{group}.{label}"), *en, *fa))
            })
        }
    };
}

groups! {
    account: account::Account;
    actions: audit::Actions;
    app: nav::App;
    audit: audit::Audit;
    channels: messages::Channels;
    chart: overview::Chart;
    code: code::Code;
    codes: codes::Codes;
    col: codes::Columns;
    conflict: forms::Conflict;
    error: errors::Error;
    fields: audit::Fields;
    filter: filters::Filter;
    flash: forms::Flash;
    form: forms::Form;
    limits: recipients::Limits;
    msg: messages::Msg;
    nav: nav::Nav;
    outcomes: messages::Outcomes;
    overview: overview::Overview;
    page: filters::Page;
    period: overview::Period;
    perm: users::Perm;
    provider: providers::Provider;
    purpose: codes::Purpose;
    recipient: recipients::Recipient;
    session: sign_in::Session;
    shortcuts: account::Shortcuts;
    sign_in: sign_in::SignIn;
    sort: filters::Sort;
    state: codes::State;
    theme: account::Theme;
    time: time::Time;
    timeline: code::Timeline;
    token: tokens::Token;
    user: users::User;
    verdicts: audit::Verdicts;
}

/// Returns the labels in `language`.
pub fn texts(language: Language) -> &'static Texts {
    match language {
        Language::En => &EN,
        Language::Fa => &FA,
    }
}

#[cfg(test)]
mod tests;
