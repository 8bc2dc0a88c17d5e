//! A browser with a session of the console.

use form_urlencoded::Serializer;
use reqwest::header::{COOKIE, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder};

use crate::helpers::{Answer, TestApp, answer};

/// Follows no redirects. The pages are in English.
pub struct Browser {
    address: String,
    client: Client,
    cookies: String,
}

impl Browser {
    /// Signs in.
    pub async fn of(app: &TestApp, name: &str, token: &str) -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        let mut browser = Self { address: app.address.clone(), client, cookies: "otpd_language=en".to_owned() };
        let signed_in = browser.post("/console/sign-in", &[("user", name), ("token", token)]).await;
        assert_eq!(signed_in.status, 303, "{}", signed_in.body);
        let (cookie, _) = signed_in.header("set-cookie").split_once(';').unwrap();
        browser.cookies = format!("{}; {cookie}", browser.cookies);
        browser
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        answer(request.header(COOKIE, &self.cookies)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(format!("{}{path}", self.address))).await
    }

    /// Returns a page, which must exist.
    pub async fn page(&self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.body);
        page.body
    }

    /// Sends a form.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(format!("{}{path}", self.address)).header(ORIGIN, &self.address);
        self.send(request.header("Content-Type", "application/x-www-form-urlencoded").body(body)).await
    }

    /// Sends a form that is answered by a redirect, and returns the location.
    pub async fn redirect(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let sent = self.post(path, fields).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        sent.header("location").to_owned()
    }
}

impl TestApp {
    pub async fn admin_browser(&self) -> Browser {
        Browser::of(self, "admin", &self.admin).await
    }
}
