use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;

use otpd::domain::audit::Origin;
use otpd::domain::limit::{Limit, Limits};
use otpd::domain::timestamp::Timestamp;
use otpd::domain::token::ApiToken;
use otpd::domain::user::{Permission, Role};
use otpd::http;
use otpd::service::accounts::Accounts;
use otpd::service::{self, Service};
use otpd::store::Store;
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use reqwest::{Method, RequestBuilder, StatusCode};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::databases::TestDatabase;

pub use crate::answers::{Answer, FORBIDDEN, NO_CREDENTIALS, NOT_FOUND, ONE_RECIPIENT, answer, on_field};

pub const OTPS: &str = "/api/notifications/otp/";
/// Initial time of every app's clock.
pub const START: &str = "2025-12-29T14:38:32.273219Z";
/// `valid_to` of a code that was created at START. Every app has an expiration time of five minutes.
pub const START_PLUS_EXPIRATION: &str = "2025-12-29T14:43:32.273219Z";

pub struct TestApp {
    pub address: String,
    pub admin: String,
    pub store: Store,
    pub folder: tempfile::TempDir,
    database: TestDatabase,
    service: Service,
    clock: Arc<AtomicI64>,
    client: reqwest::Client,
}

/// Messages are delivered as long as this exists.
pub struct Delivering {
    stop: watch::Sender<bool>,
    worker: JoinHandle<()>,
}

impl Delivering {
    /// Stops the delivery and waits until nothing is in flight.
    pub async fn end(self) {
        drop(self.stop);
        self.worker.await.unwrap();
    }
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_behind(Vec::new()).await
    }

    /// Starts a server that trusts the forwarding headers of these proxies.
    pub async fn start_behind(trusted_proxies: Vec<ipnet::IpNet>) -> Self {
        let trusted_proxies = http::TrustedProxies(trusted_proxies);
        Self::start_with(http::Settings { trusted_proxies, ..http::Settings::default() }).await
    }

    pub async fn start_with(settings: http::Settings) -> Self {
        Self::start_all(settings, service::Settings::default()).await
    }

    /// Starts a server with these service settings.
    pub async fn start_serving(settings: service::Settings) -> Self {
        Self::start_all(http::Settings::default(), settings).await
    }

    async fn start_all(settings: http::Settings, service_settings: service::Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = TestDatabase::create(folder.path()).await;
        let store = database.open();
        let clock = Arc::new(AtomicI64::new(Timestamp::parse(START).unwrap().as_micros()));
        let service = service_over(&store, &clock, service_settings);
        let address = serve(&store, &service, settings);
        // reqwest needs a TLS crypto provider, even for plain HTTP. An error means that one is already installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut app = Self { address, admin: String::new(), store, folder, database, service, clock, client };
        app.admin = app.user("admin", Role::Admin, &[]).await;
        app
    }

    /// Closes the store, opens the same database again and serves it. No other state is kept.
    pub async fn restart(&mut self, settings: service::Settings) {
        self.store.close();
        self.store = self.database.open();
        self.service = service_over(&self.store, &self.clock, settings);
        self.address = serve(&self.store, &self.service, http::Settings::default());
    }

    /// Serves the metrics on their own port and returns the address.
    pub fn serve_metrics(&self) -> String {
        let (listener, address) = listener();
        let service = self.service.clone();
        run(move || http::metrics_server(listener, service).unwrap());
        address
    }

    /// Delivers messages until the returned value is dropped.
    pub fn deliver(&self) -> Delivering {
        let (stop, stopped) = watch::channel(false);
        Delivering { stop, worker: tokio::spawn(self.service.clone().deliver(stopped)) }
    }

    /// Returns the expected response to a send request at START.
    pub fn expected_receipt(&self, id: i64, recipient: &str) -> String {
        format!(
            r#"{{"id":{id},"recipient":"{recipient}","valid_to":"{START_PLUS_EXPIRATION}","ttl":300,"resend_in":60}}"#
        )
    }

    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// The service behind the server.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The management of users, on behalf of a command.
    pub fn accounts(&self) -> Accounts<'_> {
        Accounts::new(&self.store, Origin::command("test"), Timestamp::parse(START).unwrap())
    }

    /// Adds a user and returns the token.
    pub async fn user(&self, name: &str, role: Role, permissions: &[Permission]) -> String {
        let token = ApiToken::generate(&mut UnwrapErr(SysRng));
        let accounts = self.accounts();
        accounts.add_user(name.parse().unwrap(), role, permissions.to_vec(), token.clone()).await.unwrap();
        token.reveal().to_owned()
    }

    pub fn set_clock(&self, moment: &str) {
        self.set_clock_to(Timestamp::parse(moment).unwrap().as_micros());
    }

    /// Sets the clock to a number of microseconds since 1970.
    pub fn set_clock_to(&self, micros: i64) {
        self.clock.store(micros, Ordering::SeqCst);
    }

    /// Deletes what the server's periodic cleanup deletes while the clock is stable.
    pub async fn purge(&self) {
        self.service.purge_counters().await.unwrap();
        self.service.purge_untrusted().await.unwrap();
    }

    /// Adds the new events of the audit trail to its index.
    pub async fn index_audit(&self) {
        self.service.index_audit().await.unwrap();
    }

    /// Deletes the events of the audit trail that are older than `retention`.
    pub async fn purge_audit(&self, retention: std::time::Duration) -> usize {
        self.index_audit().await;
        self.service.purge_audit(retention).await.unwrap()
    }

    /// Deletes the codes that expired more than `retention` ago and returns their number.
    pub async fn purge_expired(&self, retention: std::time::Duration) -> usize {
        self.service.purge_expired(retention).await.unwrap()
    }

    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.request_at(&self.address, method, path)
    }

    pub fn request_at(&self, address: &str, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        self.client.request(method, format!("{address}{path}"))
    }

    /// Sends a request as the admin.
    pub async fn send(&self, method: &str, path: &str) -> Answer {
        answer(self.request(method, path).header("Authorization", format!("Token {}", self.admin))).await
    }

    /// Sends a request with a JSON body as the admin.
    pub async fn send_json(&self, method: &str, path: &str, body: impl Into<String>) -> Answer {
        self.send_body(method, path, "application/json", body).await
    }

    pub async fn send_body(&self, method: &str, path: &str, media_type: &str, body: impl Into<String>) -> Answer {
        let request = self.request(method, path).header("Authorization", format!("Token {}", self.admin));
        answer(request.header("Content-Type", media_type).body(body.into())).await
    }

    /// Creates a code for 09123456789 and returns its id.
    pub async fn create(&self) -> i64 {
        self.create_with(r#"{"code":255315,"mobile_number":"09123456789"}"#).await
    }

    pub async fn create_with(&self, body: &str) -> i64 {
        let created = self.send_json("POST", OTPS, body).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
        created.json()["id"].as_i64().unwrap()
    }

    /// Returns the number of tokens with a stored time of use. The time is stored after the response.
    pub async fn used_tokens(&self) -> i64 {
        self.number("SELECT count(last_used_at) FROM api_tokens").await
    }

    /// Waits until `count` tokens have a stored time of use.
    pub async fn until_used_tokens(&self, count: i64) {
        let begun = std::time::Instant::now();
        while self.used_tokens().await != count {
            assert!(begun.elapsed() < std::time::Duration::from_secs(120), "the use of a token is not noted");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// Returns the result of a query for one number.
    pub async fn number(&self, sql: &str) -> i64 {
        let sql = format!("SELECT ({sql}) AS number");
        self.store.read(move |db| db.one(&sql, &[], |row| row.get("number"))).await.unwrap()
    }

    /// Stores `count` codes at once, for `NAME0000@email.com` and the following addresses.
    pub async fn insert_codes(&self, count: u32, name: &str, valid_to: &str) {
        let valid_to = Timestamp::parse(valid_to).unwrap().as_micros();
        let sql = format!(
            "INSERT INTO otp_codes (code, email, valid_to, created_at, updated_at)
             WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
             SELECT 1, '{name}' || substr(CAST(10000 + i AS TEXT), 2) || '@email.com',
                    {valid_to}, {valid_to}, {valid_to}
               FROM n"
        );
        self.store.write(move |db| db.execute(&sql, &[])).await.unwrap();
    }
}

/// Returns a service whose lists count days in the time zone of Tehran.
fn service_over(store: &Store, clock: &Arc<AtomicI64>, settings: service::Settings) -> Service {
    let settings = service::Settings { timezone: "Asia/Tehran".parse().unwrap(), ..settings };
    let shared_clock = Arc::clone(clock);
    let clock_fn = Arc::new(move || Timestamp::from_micros(shared_clock.load(Ordering::SeqCst)).unwrap());
    Service::new(store.clone(), clock_fn, settings)
}

fn serve(store: &Store, service: &Service, settings: http::Settings) -> String {
    let settings = http::Settings { workers: 2, metrics: store.metrics().clone(), ..settings };
    let (listener, address) = listener();
    let service = service.clone();
    run(move || http::server(listener, service, settings).unwrap());
    address
}

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    (listener, address)
}

/// Runs a server on its own thread.
fn run(server: impl FnOnce() -> http::Server + Send + 'static) {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { server().await.unwrap() });
    });
}

pub fn path(id: i64) -> String {
    format!("{OTPS}{id}")
}

/// Waits for a condition that becomes true after the response was sent.
pub async fn until(holds: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !holds() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(120), "it does not hold after two minutes");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// Returns the path of the delivery history of a code.
pub fn deliveries(id: i64) -> String {
    format!("{}/deliveries", path(id))
}

/// Returns limits of which only this one is active.
pub fn only(limit: Limit, allowed: u32) -> Limits {
    Limits::new(|other| if other == limit { allowed } else { 0 })
}
