//! The last searches of a session.

use crate::helpers::TestApp;
use crate::sessions::{OVER, is_refused};

#[tokio::test]
async fn the_last_20_searches_of_a_session_are_kept() {
    let (app, token) = TestApp::with_amir().await;
    let key = app.sign_in("amir", &token).await.unwrap();
    app.sign_in("amir", &token).await.unwrap();
    let service = app.service();
    for n in 1..=21 {
        assert_eq!(service.keep_search(1, format!("0912{n}")).await.unwrap(), n);
    }
    assert_eq!(service.keep_search(2, "other".to_owned()).await.unwrap(), 1);
    assert_eq!(service.find_search(1, 1).await.unwrap(), None);
    assert_eq!(service.find_search(1, 2).await.unwrap(), Some("09122".to_owned()));
    assert_eq!(service.find_search(1, 21).await.unwrap(), Some("091221".to_owned()));
    assert_eq!(service.find_search(2, 21).await.unwrap(), None);
    service.end_session(&app.visit(&key).await.unwrap()).await.unwrap();
    assert_eq!(app.number("SELECT count(*) FROM session_searches").await, 1);
    is_refused(service.keep_search(1, "x".to_owned()).await, OVER);
}
