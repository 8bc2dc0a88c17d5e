//! A browser with a session of the console.

use form_urlencoded::Serializer;
use reqwest::header::{CONTENT_TYPE, COOKIE, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};

use crate::helpers::{Answer, TestApp, answer};

/// Follows no redirects. The pages are in English.
pub struct Browser {
    address: String,
    client: Client,
    cookies: String,
}

impl Browser {
    /// A browser without a session.
    pub fn new(app: &TestApp) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { address: app.address.clone(), client, cookies: "otpd_language=en".to_owned() }
    }

    /// Signs in with a token.
    pub async fn signed_in(app: &TestApp, user: &str, token: &str) -> Self {
        let mut browser = Self::new(app);
        let answer = browser.post("/console/sign-in", &[("user", user), ("token", token)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        browser.keep_cookie(&answer);
        browser
    }

    /// Keeps the cookie that an answer sets.
    pub fn keep_cookie(&mut self, answer: &Answer) {
        let (cookie, _) = answer.header("set-cookie").split_once(';').unwrap();
        self.cookies = format!("otpd_language=en; {cookie}");
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{}{path}", self.address)).header(COOKIE, &self.cookies)
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path)).await
    }

    /// Returns a page, which must exist.
    pub async fn page(&self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page.body
    }

    /// Submits a form of a page of the console.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request("POST", path).header(ORIGIN, &self.address);
        answer(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)).await
    }

    /// Submits a form that is answered by a redirect, and returns the location.
    pub async fn redirect(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let sent = self.post(path, fields).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        sent.header("location").to_owned()
    }
}

impl TestApp {
    pub async fn admin_browser(&self) -> Browser {
        Browser::signed_in(self, "admin", &self.admin).await
    }
}
