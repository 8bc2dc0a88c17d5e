//! The database of each test: an SQLite file, or a new PostgreSQL database if `OTPD_TEST_POSTGRES` is the URL of a
//! server. The tests are the same on both engines.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use otpd::store::{Database, Options, PostgresUrl, Store};
use tokio::runtime::Builder;
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

/// The name of the variable with the URL of a server on which databases can be created, without a database name.
const VARIABLE: &str = "OTPD_TEST_POSTGRES";

/// Whether the tests use PostgreSQL. A test that is about SQLite itself then has nothing to test.
pub fn on_postgres() -> bool {
    server().is_some()
}

fn server() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())
}

/// The database of one test. Dropping it deletes a PostgreSQL database.
pub struct TestDatabase(Database);

impl TestDatabase {
    /// Creates a database. `folder` is for an SQLite file.
    pub async fn create(folder: &Path) -> Self {
        static TEMPLATE: OnceCell<String> = OnceCell::const_new();
        let Some(server) = server() else { return Self(Database::File(folder.join("otp.db"))) };
        let template = TEMPLATE.get_or_init(|| create_template(&server)).await;
        let name = new_name();
        execute(&server, &format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self(located(&server, &name))
    }

    pub fn open(&self) -> Store {
        Store::open_database(&self.0, &Options { event_loops: 1, ..Options::default() }).unwrap()
    }

    /// Connects to the PostgreSQL database, for transactions that stand in for another process. `None`: it is an SQLite
    /// file.
    pub async fn connect(&self) -> Option<Client> {
        let Database::Postgres(url) = &self.0 else { return None };
        Some(connect(&url.shown()).await)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let (Database::Postgres(url), Some(server)) = (&self.0, server()) {
            let name = url.shown().rsplit('/').next().unwrap().to_owned();
            let drop = move || {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(execute(&server, &format!("DROP DATABASE {name} WITH (FORCE)")));
            };
            thread::spawn(drop).join().unwrap();
        }
    }
}

/// Creates a database with the schema of this version. Copies of it are faster than migrations.
async fn create_template(server: &str) -> String {
    let name = new_name();
    execute(server, &format!("CREATE DATABASE {name}")).await;
    let database = located(server, &name);
    let open = move || Store::open_database(&database, &Options::default()).unwrap().close();
    tokio::task::spawn_blocking(open).await.unwrap();
    name
}

fn located(server: &str, name: &str) -> Database {
    Database::Postgres(PostgresUrl::parse(&format!("{server}/{name}")).unwrap())
}

fn new_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("otpd_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs a statement in the database `postgres`.
async fn execute(server: &str, sql: &str) {
    connect(&format!("{server}/postgres")).await.batch_execute(sql).await.unwrap();
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
