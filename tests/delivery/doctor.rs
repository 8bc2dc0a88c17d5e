//! Checks of providers by `otpd doctor`.

use otpd::domain::message::Channel;
use serde_json::json;

use crate::check;
use crate::gateway::{Gateway, Reply};
use crate::protocols::{
    Settings, asanak, bale, console, ghasedak, ghasedak_old, ippanel, ippanel_call, iranpayamak, kavenegar, magfa,
    mediana, melipayamak, messageway, smsir,
};
use crate::table::provider;

const CREDIT: &str =
    r#"{"data":{"credit":22.5,"yesterday_credit":1,"gift":0},"meta":{"status":true,"message_code":"200-1"}}"#;
const INFO: &str = r#"{"return":{"status":200,"message":"تایید شد"},"entries":{"remaincredit":1500,"expiredate":1548872999,"type":"Master"}}"#;
const ACCOUNT: &str = r#"{"IsSuccess":true,"StatusCode":200,"Message":"","Data":{"Credit":1500,"ExpireDate":"2126-01-01T00:00:00","Plan":"Pro"}}"#;

/// Checks a gateway that gives these answers in this order. Returns the result and the request lines.
async fn check_with(settings: Settings, answers: &[&str]) -> (Result<String, String>, Vec<String>) {
    let gateway = Gateway::start(answers.iter().map(|answer| Reply::from((200, *answer))).collect());
    let result = check(settings(&gateway.url)).await;
    (result, gateway.requests().into_iter().map(|request| request.0).collect())
}

/// The settings, the request line, the answer and what the line of `otpd doctor` says about the credit.
const CREDITS: [(Settings, &str, &str, &str); 8] = [
    (
        ippanel_call,
        "GET /api/payment/credit/mine",
        CREDIT,
        "22.5 (currency of the account); `otpd send-test` checks calls",
    ),
    (
        melipayamak,
        "POST /api/SendSMS/GetCredit",
        r#"{"Value":"120.5","RetStatus":1,"StrRetStatus":"Ok"}"#,
        "120.5 (messages or rials, depending on the panel); `otpd send-test` checks its template",
    ),
    (
        console,
        "GET /api/receive/credit/the-key",
        r#"{"amount":12,"status":""}"#,
        "12 (messages or rials, depending on the panel); `otpd send-test` checks its template",
    ),
    (
        smsir,
        "GET /v1/credit",
        r#"{"status":1,"message":"موفق","data":88}"#,
        "88 messages; `otpd send-test` checks its template and parameter",
    ),
    (
        ghasedak_old,
        "GET /api/v1/Account/AccountInfo",
        r#"{"isSuccess":true,"message":"","data":{"balance":900}}"#,
        "900 rials; `otpd send-test` checks its template and parameter",
    ),
    (
        mediana,
        "GET /sms/v1/account/balance",
        r#"{"meta":{"code":"OK"},"data":{"balance":5000}}"#,
        "5000 (currency of the account); `otpd send-test` checks its pattern and parameter",
    ),
    (
        asanak,
        "POST /webservice/v2rest/getrialcredit",
        r#"{"meta":{"status":200,"message":"success"},"data":{"credit":700}}"#,
        "700 rials; `otpd send-test` checks its template and parameter",
    ),
    (
        magfa,
        "GET /api/http/sms/v2/balance",
        r#"{"status":0,"balance":400}"#,
        "400 rials; `otpd send-test` checks its line",
    ),
];

#[tokio::test]
async fn doctor_asks_each_gateway_for_its_credit() {
    for (settings, line, good, words) in CREDITS {
        let (result, lines) = check_with(settings, &[good]).await;
        assert_eq!((result, lines), (Ok(format!("the key is valid; credit: {words}")), vec![line.to_owned()]));
        let refusing = Gateway::start(vec![Reply::from((403, ""))]);
        assert_eq!(check(settings(&refusing.url)).await, Err("403: the key was rejected".to_owned()), "{line}");
    }
}

#[tokio::test]
async fn an_answer_without_a_usable_credit_is_a_problem() {
    assert!(check(smsir("http://127.0.0.1:9")).await.unwrap_err().starts_with("unreachable: "));
    let (spent, _) = check_with(smsir, &[r#"{"status":1,"data":0}"#]).await;
    assert_eq!(spent, Err("the key is valid, but the credit is used up".to_owned()));
    let (talkative, _) = check_with(smsir, &[r#"{"status":1,"data":"09123456789 255315"}"#]).await;
    assert_eq!(talkative, Err("200: unreadable response".to_owned()));
}

#[tokio::test]
async fn doctor_reads_debugmode_of_kavenegar() {
    let config = |mode: &str| {
        format!(
            r#"{{"return":{{"status":200,"message":"تایید شد"}},"entries":{{"apilogs":"justforfault","dailyreport":"disabled","debugmode":"{mode}","defaultsender":"10004346","mincreditalarm":"100000","resendfailed":"disabled"}}}}"#
        )
    };
    let good = "the key is valid; credit: 1500 rials; debugmode is disabled; `otpd send-test` checks its template";
    let (result, lines) = check_with(kavenegar, &[INFO, &config("disabled")]).await;
    assert_eq!(result, Ok(good.to_owned()));
    assert_eq!(lines, ["GET /v1/the%2Fkey/account/info.json", "GET /v1/the%2Fkey/account/config.json"]);
    let words = "debugmode is enabled: messages are accepted but not sent; disable it in the panel";
    assert_eq!(check_with(kavenegar, &[INFO, &config("enabled")]).await.0, Err(words.to_owned()));
    let refused = r#"{"return":{"status":403,"message":""},"entries":null}"#;
    assert_eq!(check_with(kavenegar, &[refused]).await.0, Err("403: the key was rejected".to_owned()));
}

const LINES: &str = r#"{"data":[{"id":10001,"number":"+983000505","operator_id":1,"alias":null,"gets":0,"is_66_char":0}],"meta":{"status":true,"message":"Success","message_code":"200-1"}}"#;

fn pattern(status: &str, name: &str, kind: &str) -> String {
    format!(
        r#"{{"data":{{"pattern_code":"100","pattern_message":"%{name}%","pattern_status":"{status}","variable":[{{"name":"{name}","type":"{kind}","len":20}}]}},"meta":{{"status":true,"message_code":"200-1"}}}}"#
    )
}

#[tokio::test]
async fn doctor_confirms_pattern_variable_and_line_of_ippanel() {
    let (result, lines) = check_with(ippanel, &[CREDIT, &pattern("active", "code", "string"), LINES]).await;
    let good = "the key is valid; credit: 22.5 (currency of the account); the pattern 100 is active and has the \
                variable code; the line +983000505 exists";
    assert_eq!(result, Ok(good.to_owned()));
    assert_eq!(lines[1..], ["GET /api/patterns/100", "GET /api/number/numbers?page=1&per_page=100"]);
    let other_line = LINES.replace("+983000505", "+981000");
    let no_line = "the line +983000505 is not a line of the account";
    for (pattern, lines, problem) in [
        (pattern("pending", "code", "string"), LINES, "the pattern 100 is not active".to_owned()),
        (pattern("active", "otp", "string"), LINES, "the pattern 100 has no variable code".to_owned()),
        (
            pattern("active", "code", "integer"),
            LINES,
            "the variable code of the pattern 100 is an integer; declare it as a string".to_owned(),
        ),
        (pattern("active", "code", "string"), &other_line, no_line.to_owned()),
        (pattern("pending", "code", "string"), &other_line, format!("the pattern 100 is not active; {no_line}")),
    ] {
        assert_eq!(check_with(ippanel, &[CREDIT, &pattern, lines]).await.0, Err(problem));
    }
    let missing = r#"{"data":null,"meta":{"status":false,"message":"x","message_code":"404-1","errors":{}}}"#;
    let plan = vec![(200, CREDIT).into(), (404, missing).into(), (200, LINES).into()];
    let gateway = Gateway::start(plan);
    assert_eq!(check(ippanel(&gateway.url)).await, Err("404 404-1: the pattern does not exist".to_owned()));
    let many = vec![r#"{"number":"+981000"}"#; 100].join(",");
    let many = format!(r#"{{"data":[{many}],"meta":{{"status":true}}}}"#);
    let (result, _) = check_with(ippanel, &[CREDIT, &pattern("active", "code", "string"), &many]).await;
    assert!(result.unwrap().ends_with("; `otpd send-test` checks the line"));
}

const TEMPLATE: &str = r#"{"data":{"params":["Code","Name"],"message":"کد تایید شما %Code% می باشد"},"isSuccess":true,"statusCode":200,"message":""}"#;

#[tokio::test]
async fn doctor_confirms_each_template_of_ghasedak_and_its_parameter() {
    let both = |url: &str| {
        let settings = json!({ "api_key": "k", "template": "log in", "templates": { "reset": "reset", "x": "reset" } });
        provider(Channel::Sms, "ghasedak", url, settings)
    };
    let (result, lines) = check_with(both, &[ACCOUNT, TEMPLATE]).await;
    let good = "the key is valid; credit: 1500 rials; the template log in has the parameter Code; the template reset \
                has the parameter Code";
    assert_eq!(result, Ok(good.to_owned()));
    let expected = [
        "GET /rest/api/v1/WebService/GetAccountInformation",
        "GET /rest/api/v1/WebService/GetOtpTemplateParameters?TemplateName=log%20in",
        "GET /rest/api/v1/WebService/GetOtpTemplateParameters?TemplateName=reset",
    ];
    assert_eq!(lines, expected);
    let refused = r#"{"isSuccess":false,"statusCode":400,"message":"","data":null}"#;
    let denied = r#"{"isSuccess":false,"statusCode":401,"message":"","data":null}"#;
    for (account, template, problem) in [
        (ACCOUNT, &TEMPLATE.replace("Code", "code") as &str, "the template 100 does not have the parameter Code"),
        (ACCOUNT, refused, "the template 100 does not exist"),
        (denied, denied, "401: the key was rejected"),
        (&ACCOUNT.replace("2126", "2020"), TEMPLATE, "the account expired on 2020-01-01"),
        (&ACCOUNT.replace("1500", "0"), TEMPLATE, "the key is valid, but the credit is used up"),
    ] {
        assert_eq!(check_with(ghasedak, &[account, template]).await.0, Err(problem.to_owned()));
    }
}

#[tokio::test]
async fn doctor_confirms_that_patterns_of_iranpayamak_and_templates_of_messageway_exist() {
    let balance = r#"{"status":"success","message":null,"data":{"balanceAmount":1000,"balanceCount":25}}"#;
    let there = r#"{"status":"success","data":"255315","messages":null}"#;
    let (result, lines) = check_with(iranpayamak, &[balance, there]).await;
    let words = "the key is valid; credit: 1000 (currency of the account); the pattern 100 exists; `otpd send-test` \
                 checks its line and variable";
    assert_eq!(result, Ok(words.to_owned()));
    assert_eq!(lines, ["GET /ws/v1/account/balance", "GET /ws/v1/patterns/100"]);
    let older = r#"{"status":"success","data":{"balance_amount":1000}}"#;
    assert_eq!(check_with(iranpayamak, &[older, there]).await.0, Ok(words.to_owned()));
    let balance = r#"{"status":"success","data":{"balance":600}}"#;
    let (result, lines) = check_with(messageway, &[balance, there]).await;
    let words = "the key is valid; credit: 600 rials; the template 100 exists; `otpd send-test` checks the parameter of \
                 its template";
    assert_eq!((result, lines), (Ok(words.to_owned()), vec!["POST /balance/get".into(), "POST /template/get".into()]));
    let older = r#"{"status":"success","balance":600,"currencyName":"IRR"}"#;
    assert_eq!(check_with(messageway, &[older, there]).await.0, Ok(words.to_owned()));
    let missing = r#"{"status":"error","data":null,"messages":"255315","error":{"code":7,"message":"255315"}}"#;
    for (settings, status, problem) in [
        (iranpayamak as Settings, 404, "the pattern 100 does not exist"),
        (messageway, 200, "the template 100 does not exist"),
        (messageway, 503, "503: the gateway is unavailable"),
    ] {
        let credit = r#"{"status":"success","data":{"balanceAmount":1000,"balance":600}}"#;
        let gateway = Gateway::start(vec![(200, credit).into(), (status, missing).into()]);
        assert_eq!(check(settings(&gateway.url)).await, Err(problem.to_owned()));
    }
    for settings in [iranpayamak as Settings, messageway] {
        let refusing = Gateway::start(vec![Reply::from((401, r#"{"status":"error","messages":"Api-Key not valid"}"#))]);
        assert_eq!(check(settings(&refusing.url)).await, Err("401: the key was rejected".to_owned()));
    }
}

#[tokio::test]
async fn doctor_fetches_a_token_of_bale_v2_and_can_not_check_v3() {
    let (result, lines) = check_with(bale, &[""]).await;
    let words = "reachable; the key is checked only by sending";
    assert_eq!((result, lines), (Ok(words.to_owned()), vec!["GET /".to_owned()]));
    let v2 = |url: &str| provider(Channel::Bale, "bale", url, json!({ "client_id": "i", "client_secret": "s" }));
    let (result, lines) = check_with(v2, &[r#"{"access_token":"t","expires_in":43200}"#]).await;
    let words = "the client_id and the client_secret are valid";
    assert_eq!((result, lines), (Ok(words.to_owned()), vec!["POST /api/v2/auth/token".to_owned()]));
    let refusing = Gateway::start(vec![Reply::from((401, r#"{"error":"invalid_client"}"#))]);
    let words = "the client_id or the client_secret was rejected";
    assert_eq!(check(v2(&refusing.url)).await, Err(words.to_owned()));
}
