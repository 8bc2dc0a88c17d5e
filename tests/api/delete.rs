use crate::helpers::{NOT_FOUND, TestApp, path};

#[tokio::test]
async fn a_deleted_code_is_not_found_and_other_codes_remain() {
    let app = TestApp::start().await;
    let (first, second) = (app.create().await, app.create().await);
    let deleted = app.send("DELETE", &path(first)).await;
    deleted.is(204, "");
    for verb in ["DELETE", "GET", "PATCH"] {
        app.send(verb, &path(first)).await.is(404, NOT_FOUND);
    }
    assert_eq!(app.send("GET", &path(second)).await.status.as_u16(), 200);
    app.send("DELETE", &format!("{}/", path(second))).await.is(204, "");
}

#[tokio::test]
async fn the_body_of_a_delete_is_ignored() {
    let app = TestApp::start().await;
    let id = app.create().await;
    app.send_json("DELETE", &path(id), "{").await.is(204, "");
}
