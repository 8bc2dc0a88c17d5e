use std::sync::Arc;
use std::time::Duration;

use otpd::domain::timestamp::Timestamp;
use otpd::service::{Service, Settings};

use crate::databases::on_postgres;
use crate::helpers::{OTPS, TestApp};

#[tokio::test]
async fn only_codes_expired_longer_than_the_retention_are_deleted() {
    let app = TestApp::start().await;
    let codes = [r#""2025-01-01T00:00:00Z""#, r#""2025-01-01T00:00:00.000001Z""#, r#""2025-01-04T00:00:00Z""#];
    for valid_to in codes {
        app.create_with(&format!(r#"{{"code":1,"email":"a@b.com","valid_to":{valid_to}}}"#)).await;
    }
    app.insert_codes(600, "expired", "2024-01-01T00:00:00Z").await;
    // Three days and one microsecond after the first code expired.
    let now = || Timestamp::parse("2025-01-04T00:00:00.000001Z").unwrap();
    let service = Service::new(app.store.clone(), Arc::new(now), Settings::default());
    assert_eq!(service.purge_expired(Duration::from_secs(72 * 3600)).await.unwrap(), 601);
    assert_eq!(service.purge_expired(Duration::from_secs(72 * 3600)).await.unwrap(), 0);
    let left = app.send("GET", &format!("{OTPS}?ordering=id")).await.json();
    let ids: Vec<i64> = left["results"].as_array().unwrap().iter().map(|otp| otp["id"].as_i64().unwrap()).collect();
    assert_eq!((&left["count"], ids), (&2.into(), vec![2, 3]));
}

#[tokio::test]
async fn a_deleted_code_is_erased_from_the_files() {
    if on_postgres() {
        return;
    }
    let app = TestApp::start().await;
    app.insert_codes(1000, "canary", "2024-01-01T00:00:00Z").await;
    let canaries = || {
        let files =
            ["otp.db", "otp.db-wal"].map(|name| std::fs::read(app.folder.path().join(name)).unwrap_or_default());
        files.iter().map(|bytes| bytes.windows(8).filter(|eight| eight.starts_with(b"canary0")).count()).sum::<usize>()
    };
    assert!(canaries() >= 1000, "{}", canaries());
    let now = || Timestamp::parse("2025-01-04T00:00:00Z").unwrap();
    let service = Service::new(app.store.clone(), Arc::new(now), Settings::default());
    assert_eq!(service.purge_expired(Duration::from_secs(3600)).await.unwrap(), 1000);
    assert_eq!(service.optimize_and_checkpoint().await.unwrap(), 0, "the log is empty");
    assert_eq!(canaries(), 0);
}
