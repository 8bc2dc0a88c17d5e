//! The texts of messages: the operator's templates, with built-in templates as defaults.

use crate::domain::code::{Code, CodeLength};
use crate::domain::message::{Channel, Language, Text};
use crate::domain::purpose::Purpose;
use crate::domain::template::{Template, longest, sms_segments};

/// A text template of the operator.
#[derive(Clone, Debug)]
pub struct TextTemplate {
    pub channel: Channel,
    pub language: Language,
    /// `None`: the template applies to every purpose without its own template.
    pub purpose: Option<Purpose>,
    /// E-mail only.
    pub subject: Option<Template>,
    pub plain: Template,
    /// E-mail only. `None`: the e-mail is plain text.
    pub html: Option<Template>,
}

/// All text templates.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    templates: Vec<TextTemplate>,
    webotp_domain: Option<String>,
}

impl Texts {
    /// `webotp_domain` is the site whose pages may read the code from an SMS (`delivery.webotp_domain`).
    ///
    /// # Errors
    /// A template lacks the code, or occurs twice. Returns its place in the list, and the reason.
    pub fn new(templates: Vec<TextTemplate>, webotp_domain: Option<String>) -> Result<Self, (usize, String)> {
        for (place, template) in templates.iter().enumerate() {
            if templates.iter().take(place).any(|other| name(other) == name(template)) {
                return Err((place, format!("{} is defined twice; delete one", name(template))));
            }
            let html_has_code = template.html.as_ref().is_none_or(Template::has_code);
            if !template.plain.has_code() || !html_has_code {
                return Err((place, format!("{} contains no {{code}}", name(template))));
            }
        }
        Ok(Self { templates, webotp_domain })
    }

    /// Returns the text of a message. Calls and Bale messages have the text of an SMS.
    pub fn render(&self, channel: Channel, language: Language, purpose: &Purpose, code: Code, minutes: u64) -> Text {
        let channel = if channel == Channel::Email { channel } else { Channel::Sms };
        let code = code.value().to_string();
        match self.template(channel, language, purpose) {
            Some(template) => self.fill(template, &code, minutes),
            None => self.fill(&built_in(channel, language), &code, minutes),
        }
    }

    /// Returns one line for each text that needs more than one SMS, because each SMS is billed.
    pub fn warnings(&self, length: CodeLength) -> Vec<String> {
        let code = longest(length);
        let built_in = [Language::Fa, Language::En].map(|language| built_in(Channel::Sms, language));
        let used = built_in
            .iter()
            .filter(|template| self.template(Channel::Sms, template.language, &Purpose::default()).is_none());
        let sms = self.templates.iter().filter(|template| template.channel == Channel::Sms);
        sms.chain(used)
            .filter_map(|template| {
                // The texts for ten minutes and for less than one are the longest.
                let segments = [0, 10].map(|minutes| sms_segments(&self.fill(template, &code, minutes).plain));
                let segments = segments.into_iter().max().unwrap_or(1);
                (segments > 1).then(|| format!("{} needs {segments} SMS; each is billed", name(template)))
            })
            .collect()
    }

    /// Returns the template of the purpose, or else the operator's default for all purposes.
    fn template(&self, channel: Channel, language: Language, purpose: &Purpose) -> Option<&TextTemplate> {
        let of = |wanted: Option<&Purpose>| {
            self.templates.iter().find(|template| {
                template.channel == channel && template.language == language && template.purpose.as_ref() == wanted
            })
        };
        of(Some(purpose)).or_else(|| of(None))
    }

    fn fill(&self, template: &TextTemplate, code: &str, minutes: u64) -> Text {
        let minutes = &template.language.minutes(minutes);
        let mut plain = template.plain.render(code, minutes);
        if let (Channel::Sms, Some(domain)) = (template.channel, &self.webotp_domain) {
            // The browser reads the last line (WICG, "Origin-bound one-time codes delivered via SMS").
            plain = format!("{plain}\n\n@{domain} #{code}");
        }
        Text {
            subject: template.subject.as_ref().map(|subject| subject.render(code, minutes)),
            plain,
            html: template.html.as_ref().map(|html| html.render(code, minutes)),
        }
    }
}

/// Returns the name of a template in messages, such as `the Persian SMS text for reset`.
fn name(template: &TextTemplate) -> String {
    let language = match template.language {
        Language::Fa => "Persian",
        Language::En => "English",
    };
    let channel = match template.channel {
        Channel::Email => "e-mail",
        Channel::Sms | Channel::Call | Channel::Bale => "SMS",
    };
    let purpose = template.purpose.as_ref().map_or_else(String::new, |purpose| format!(" for {purpose}"));
    format!("the {language} {channel} text{purpose}")
}

/// Returns the built-in template. The code is at the end of its line, because users copy text that follows it as well.
fn built_in(channel: Channel, language: Language) -> TextTemplate {
    let (subject, plain) = match language {
        Language::Fa => ("کد تأیید", "کد تأیید: {code}\nاعتبار: {minutes} دقیقه"),
        Language::En => ("Verification code", "Verification code: {code}\nValid for {minutes} min"),
    };
    let html = match language {
        Language::Fa => include_str!("texts/fa.html"),
        Language::En => include_str!("texts/en.html"),
    };
    let parsed = |text| {
        #[expect(clippy::expect_used, reason = "a constant of this file; a test renders all four")]
        Template::parse(text).expect("a sound template")
    };
    let is_email = channel == Channel::Email;
    TextTemplate {
        channel,
        language,
        purpose: None,
        subject: is_email.then(|| parsed(subject)),
        plain: parsed(plain),
        html: is_email.then(|| parsed(html)),
    }
}

#[cfg(test)]
mod tests;
