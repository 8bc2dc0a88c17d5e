use super::*;

fn code() -> Code {
    Code::new(255_315).unwrap()
}

fn template(channel: Channel, purpose: Option<&str>, plain: &str) -> TextTemplate {
    TextTemplate {
        channel,
        language: Language::Fa,
        purpose: purpose.map(|purpose| Purpose::parse(purpose).unwrap()),
        subject: None,
        plain: Template::parse(plain).unwrap(),
        html: None,
    }
}

#[test]
fn default_templates_are_used_if_none_are_configured() {
    let texts = Texts::default();
    let render = |channel, language| texts.render(channel, language, &Purpose::default(), code(), 5);
    let sms = render(Channel::Sms, Language::Fa);
    assert_eq!((sms.plain.as_str(), sms.subject, sms.html), ("کد تأیید: 255315\nاعتبار: 5 دقیقه", None, None));
    assert_eq!(render(Channel::Sms, Language::En).plain, "Verification code: 255315\nValid for 5 min");
    for language in Language::ALL.iter().copied() {
        let mail = render(Channel::Email, language);
        assert!(!mail.subject.unwrap().contains("255315"), "a subject is shown on locked screens");
        assert!(mail.html.unwrap().contains("<strong>255315</strong>"));
    }
    assert!(render(Channel::Email, Language::Fa).html.unwrap().contains("dir=\"rtl\""));
    assert_eq!(texts.warnings(CodeLength::new(10).unwrap()), Vec::<String>::new());
}

#[test]
fn a_purpose_uses_its_own_text_or_the_general_one() {
    let templates =
        vec![template(Channel::Sms, None, "general {code}"), template(Channel::Sms, Some("reset"), "reset {code}")];
    let texts = Texts::new(templates, None).unwrap();
    let plain =
        |language, purpose| texts.render(Channel::Sms, language, &Purpose::parse(purpose).unwrap(), code(), 5).plain;
    assert_eq!(plain(Language::Fa, "login"), "general 255315");
    assert_eq!(plain(Language::Fa, "reset"), "reset 255315");
    assert_eq!(plain(Language::En, "reset"), "Verification code: 255315\nValid for 5 min");
}

#[test]
fn the_webotp_line_is_the_last_line_of_sms_messages_only() {
    let texts = Texts::new(Vec::new(), Some("example.com".to_owned())).unwrap();
    let plain = |channel| texts.render(channel, Language::Fa, &Purpose::default(), code(), 5).plain;
    assert!(plain(Channel::Sms).ends_with("\n@example.com #255315"));
    assert!(!plain(Channel::Email).contains("@example.com"));
}

#[test]
fn a_text_without_the_code_is_refused_and_a_long_one_causes_a_warning() {
    let without = Texts::new(vec![template(Channel::Sms, Some("reset"), "سلام")], None);
    assert_eq!(without.unwrap_err(), (0, "the Persian SMS text for reset contains no {code}".to_owned()));
    let html = TextTemplate { html: Some(Template::parse("<p>").unwrap()), ..template(Channel::Email, None, "{code}") };
    assert!(Texts::new(vec![html], None).is_err());
    let long = template(Channel::Sms, None, &format!("{}{{code}}", "ک".repeat(65)));
    let texts = Texts::new(vec![long], None).unwrap();
    let warning = "the Persian SMS text needs 2 SMS; each is billed";
    assert_eq!(texts.warnings(CodeLength::default()), [warning]);
}
