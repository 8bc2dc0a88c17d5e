//! The console over HTTP: sign-in, access, origins and headers.

use otpd::domain::user::{Permission, Role};
use otpd::http::console::routes::{Access, PAGES};

use crate::browser::Browser;
use crate::helpers::{TestApp, answer};

const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
                               connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                               require-trusted-types-for 'script'; trusted-types 'none'";

#[tokio::test]
async fn a_token_is_exchanged_for_a_session() {
    let app = TestApp::start().await;
    let mut browser = Browser::new(&app);
    let page = browser.get("/console/codes").await;
    assert_eq!((page.status.as_u16(), page.header("location")), (303, "/console/sign-in?next=%2Fconsole%2Fcodes"));
    let fields = [("user", "admin"), ("token", &app.admin), ("next", "/console/codes?state=used")];
    let answer = browser.post("/console/sign-in", &fields).await;
    assert_eq!(answer.status, 303);
    let next = "/console/sign-in?started=1&next=%2Fconsole%2Fcodes%3Fstate%3Dused";
    assert_eq!(answer.header("location"), next);
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("otpd_session=") && cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    assert!(browser.get(next).await.body.contains("Your browser did not keep the cookie."));
    browser.keep_cookie(&answer);
    assert_eq!(browser.get(next).await.header("location"), "/console/codes?state=used");
    let page = browser.get("/console/codes").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("<html lang=\"en\" dir=\"ltr\""), "{}", page.body);
    assert_eq!(page.header("content-security-policy"), SECURITY_POLICY);
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(page.header("cross-origin-opener-policy"), "same-origin");
    let out = browser.post("/console/sign-out", &[]).await;
    assert_eq!((out.status.as_u16(), out.header("location")), (303, "/console/sign-in?signed_out=1"));
    assert_eq!(browser.get("/console/codes").await.status, 303);
}

#[tokio::test]
async fn every_wrong_sign_in_has_the_same_answer() {
    let app = TestApp::start().await;
    let staff = app.user("sara", Role::Staff, &[]).await;
    let plain = app.user("plain", Role::User, &[]).await;
    let browser = Browser::new(&app);
    for (user, token) in
        [("admin", "x"), ("nobody", &app.admin[..]), ("admin", &staff[..]), ("plain", &plain[..]), ("", "")]
    {
        let answer = browser.post("/console/sign-in", &[("user", user), ("token", token)]).await;
        assert_eq!(answer.status, 422, "{user}");
        assert!(answer.body.contains("This token is not known, was revoked, or its user is disabled."), "{user}");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let answer = browser.post("/console/sign-in", &[("user", "admin"), ("token", &app.admin)]).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "900"));
    assert!(answer.body.contains("Too many tries from your address. Try again in 900 seconds."), "{}", answer.body);
}

#[tokio::test]
async fn the_next_page_is_one_of_the_console() {
    let app = TestApp::start().await;
    for next in ["https://evil.example/", "//evil.example", "/console/\\evil", "/api/audit/", "/console/sign-out", ""] {
        let fields = [("user", "admin"), ("token", &app.admin), ("next", next)];
        let answer = Browser::new(&app).post("/console/sign-in", &fields).await;
        assert_eq!(answer.header("location"), "/console/sign-in?started=1&next=%2Fconsole%2F", "{next}");
    }
}

#[tokio::test]
async fn a_form_of_another_origin_is_refused_and_names_both_hosts() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    let request = browser.request("POST", "/console/codes/new").header("Origin", "https://evil.example");
    let page = answer(request).await;
    assert_eq!(page.status, 403);
    let host = app.address.strip_prefix("http://").unwrap();
    assert!(page.body.contains("https://evil.example") && page.body.contains(host), "{}", page.body);
    let request = browser.request("POST", "/console/language").header("Sec-Fetch-Site", "same-origin");
    assert_eq!(answer(request).await.status, 303);
}

#[tokio::test]
async fn the_api_does_not_read_the_cookie() {
    let app = TestApp::start().await;
    let browser = Browser::signed_in(&app, "admin", &app.admin).await;
    assert_eq!(browser.get("/api/notifications/otp/").await.status, 401);
}

#[tokio::test]
async fn browsers_are_sent_from_the_root_to_the_console() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    let page = answer(browser.request("GET", "/").header("Accept", "text/html,*/*")).await;
    assert_eq!((page.status.as_u16(), page.header("location")), (303, "/console/"));
    browser.get("/").await.is(404, r#"{"detail":"Not found."}"#);
}

/// A path of a page, with objects that exist.
async fn existing(app: &TestApp, path: &str) -> String {
    let id = if path.contains("{id}") { app.create().await } else { 0 };
    path.replace("{id}", &id.to_string()).replace("{name}", "victim").replace("{file}", "x")
}

/// The page that users see instead of the overview if they may not see that.
const ACCOUNT: &str = "/console/account";

/// The role, permissions and session of a caller.
struct Kind {
    name: String,
    role: Role,
    held: Vec<Permission>,
    browser: Browser,
}

impl Kind {
    async fn new(app: &TestApp, name: &str, role: Role, held: &[Permission]) -> Self {
        let token = app.user(name, role, held).await;
        let browser = Browser::signed_in(app, name, &token).await;
        Self { name: name.to_owned(), role, held: held.to_vec(), browser }
    }

    fn may(&self, access: Access) -> bool {
        match access {
            Access::Open | Access::Session => true,
            Access::Permission(permission) => self.role == Role::Admin || self.held.contains(&permission),
            Access::Admin => self.role == Role::Admin,
        }
    }
}

#[tokio::test]
async fn every_page_and_action_is_open_to_exactly_the_callers_of_the_route_table() {
    let app = TestApp::start().await;
    app.user("victim", Role::Staff, &[]).await;
    let mut kinds =
        vec![Kind::new(&app, "boss", Role::Admin, &[]).await, Kind::new(&app, "none", Role::Staff, &[]).await];
    for permission in Permission::ALL.iter().copied() {
        kinds.push(Kind::new(&app, &format!("staff{permission}"), Role::Staff, &[permission]).await);
    }
    let disabled = Kind::new(&app, "disabled", Role::Admin, &[]).await.browser;
    app.accounts().set_active("disabled".parse().unwrap(), false).await.unwrap();
    let signed_out = Browser::new(&app);
    let ends_session = |path: &str| ["/console/sign-out", "/console/sign-in"].contains(&path);
    for page in PAGES.iter().filter(|page| !ends_session(page.path)) {
        for kind in &kinds {
            let path = existing(&app, page.path).await;
            let answer = match page.method {
                "POST" => kind.browser.post(&path, &[]).await,
                _ => kind.browser.get(&path).await,
            };
            let (status, shown) =
                (answer.status.as_u16(), format!("{} {} {path}: {}", kind.name, page.method, answer.body));
            assert!(status < 500, "{shown}");
            if page.path == "/console/" && !kind.may(page.access) && PAGES.iter().any(|page| page.path == ACCOUNT) {
                assert_eq!((status, answer.header("location")), (303, ACCOUNT), "{shown}");
                continue;
            }
            assert_eq!(status == 403, !kind.may(page.access), "{status} {shown}");
            if let (403, Access::Permission(permission)) = (status, page.access) {
                assert!(answer.body.contains(&permission.to_string()), "{shown}");
            }
        }
        for browser in [&disabled, &signed_out] {
            let path = existing(&app, page.path).await;
            let answer = match page.method {
                "POST" => browser.post(&path, &[]).await,
                _ => browser.get(&path).await,
            };
            let expected = match (page.access, page.method) {
                (Access::Open, _) => continue,
                (_, "POST") => 401,
                _ => 303,
            };
            assert_eq!(answer.status.as_u16(), expected, "{} {path}", page.method);
        }
    }
}

#[tokio::test]
async fn files_are_kept_by_browsers_and_pages_are_not() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    let page = browser.get("/console/sign-in").await;
    let (_, rest) = page.body.split_once("href=\"/console/assets/console-").unwrap();
    let (hash, _) = rest.split_once(".css\"").unwrap();
    let style = browser.get(&format!("/console/assets/console-{hash}.css")).await;
    assert_eq!((style.status.as_u16(), style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(style.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(browser.get("/console/assets/console-0.css").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_switch_returns_to_its_page_and_nowhere_else() {
    let app = TestApp::start().await;
    let browser = Browser::new(&app);
    for (back, location) in [
        ("/console/codes?state=used", "/console/codes?state=used"),
        ("https://evil.example/console/", "/console/"),
        ("//evil.example", "/console/"),
        ("", "/console/"),
    ] {
        let answer = browser.post("/console/language", &[("language", "fa"), ("back", back)]).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, location));
    }
}

#[tokio::test]
async fn a_form_without_its_version_or_choice_changes_nothing() {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.user("sara", Role::Staff, &[]).await;
    let browser = app.admin_browser().await;
    let fields = [("mobile", "09120000000"), ("validity", "renew")];
    assert_eq!(browser.post(&format!("/console/codes/{id}/edit"), &fields).await.status, 400);
    assert_eq!(browser.post("/console/users/sara/role", &[("role", "root")]).await.status, 400);
    assert_eq!(browser.post("/console/users/sara/token", &[("name", "ci")]).await.status, 422);
    let changes = app.send("GET", "/api/audit/?actor=admin&limit=500").await.json();
    let actions: Vec<_> = changes["results"].as_array().unwrap().iter().map(|event| &event["action"]).collect();
    assert_eq!(actions, ["session.start", "otp.create"]);
}
