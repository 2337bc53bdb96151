//! `/sandbox/mode`, and what a client sees of it.

use std::io::ErrorKind;

use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::harness::{Bench, answer};

/// What an injected error looks like; nothing is charged, and the next request is answered.
async fn check_injected(mode: &'static str, status: u16, kind: &str, retry_after: Option<&str>) {
    let bench = Bench::start().await;
    bench.set_mode(mode).await;
    let hit = answer(bench.charge("o-1", "pm_card_visa")).await;
    assert_eq!(hit.status, status, "{mode}");
    assert_eq!(hit.error().0, kind, "{mode}");
    assert_eq!(hit.retry_after.as_deref(), retry_after, "{mode}");
    assert_eq!(bench.counts().await, [0, 0, 0]);
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    assert_eq!((charged.status, charged.replayed), (200, false));
}

/// Sends a request and sees it fail without an answer.
async fn check_no_answer(bench: &Bench) {
    let error = bench.charge("o-1", "pm_card_visa").send().await.unwrap_err();
    assert!(error.is_request() && error.status().is_none(), "{error:?}");
}

#[tokio::test]
async fn an_injected_error_does_nothing_and_is_not_stored() {
    let unavailable = r#"{"mode":"unavailable","requests":1}"#;
    check_injected(unavailable, 503, "api_error", None).await;
    let internal_error = r#"{"mode":"internal_error","requests":1}"#;
    check_injected(internal_error, 500, "api_error", None).await;
    let rate_limited = r#"{"mode":"rate_limited","requests":1}"#;
    check_injected(rate_limited, 429, "invalid_request_error", Some("1")).await;
}

#[tokio::test]
async fn an_outage_lasts_until_it_is_ended() {
    let bench = Bench::start().await;
    bench.set_mode(r#"{"mode":"unavailable"}"#).await;
    for _ in 0..5 {
        assert_eq!(bench.get("/v1/refunds/re_1").await.status, 503);
    }
    bench.set_mode(r#"{"mode":"ok"}"#).await;
    assert_eq!(bench.get("/v1/refunds/re_1").await.status, 404);
}

#[tokio::test]
async fn an_outage_hits_as_many_requests_as_were_asked_for() {
    let bench = Bench::start().await;
    bench.set_mode(r#"{"mode":"rate_limited","requests":2}"#).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(bench.get("/v1/refunds/re_1").await.status);
    }
    assert_eq!(statuses, [429, 429, 404]);
}

#[tokio::test]
async fn a_reset_charges_nothing() {
    let bench = Bench::start().await;
    bench.set_mode(r#"{"mode":"reset","requests":2}"#).await;
    check_no_answer(&bench).await;
    check_no_answer(&bench).await;
    assert_eq!(bench.counts().await, [0, 0, 0]);
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    assert_eq!((charged.status, charged.replayed), (200, false));
}

#[tokio::test]
async fn a_lost_reply_charges_and_the_retry_replays_it() {
    let bench = Bench::start().await;
    bench.set_mode(r#"{"mode":"lost_reply","requests":2}"#).await;
    check_no_answer(&bench).await;
    assert_eq!(bench.counts().await, [1, 0, 0]);
    check_no_answer(&bench).await;
    let replayed = answer(bench.charge("o-1", "pm_card_visa")).await;
    assert_eq!((replayed.status, replayed.replayed), (200, true));
    assert_eq!(bench.counts().await, [1, 0, 0]);
}

#[tokio::test]
async fn a_cut_line_is_a_reset_and_not_a_byte_comes_back() {
    let bench = Bench::start().await;
    for mode in [r#"{"mode":"reset","requests":1}"#, r#"{"mode":"lost_reply","requests":1}"#] {
        bench.set_mode(mode).await;
        let mut stream = TcpStream::connect(bench.address()).await.unwrap();
        let request = "GET /v1/refunds/re_1 HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Bearer sk_test_1\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut received = Vec::new();
        let error = stream.read_to_end(&mut received).await.unwrap_err();
        assert_eq!((error.kind(), received.len()), (ErrorKind::ConnectionReset, 0), "{mode}");
    }
}

#[tokio::test]
async fn a_slow_answer_comes_at_last() {
    let bench = Bench::start().await;
    bench.set_mode(r#"{"mode":"slow","slow_ms":1,"requests":1}"#).await;
    let charged = answer(bench.charge("o-1", "pm_card_visa")).await;
    assert_eq!((charged.status, charged.replayed), (200, false));
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_slow_answer() {
    let bench = Bench::start().await;
    bench.set_mode(r#"{"mode":"slow","slow_ms":3600000}"#).await;
    let mut slow = JoinSet::new();
    slow.spawn(answer(bench.charge("o-1", "pm_card_visa")));
    bench.await_charge().await;
    bench.stop().await;
    assert_eq!(slow.join_next().await.unwrap().unwrap().status, 200);
}

#[tokio::test]
async fn the_health_says_which_mode_is_on() {
    let bench = Bench::start().await;
    assert_eq!(bench.get("/sandbox/health").await.json(), json!({"status":"ok","mode":"ok"}));
    bench.set_mode(r#"{"mode":"slow","requests":3}"#).await;
    let expected = json!({"status":"ok","mode":"slow","slow_ms":30000,"requests":3});
    assert_eq!(bench.get("/sandbox/health").await.json(), expected);
}

#[tokio::test]
async fn a_mode_that_makes_no_sense_is_refused_and_changes_nothing() {
    let bench = Bench::start().await;
    let set = |body: String| answer(bench.request(Method::POST, "/sandbox/mode").body(body));
    for (body, status, hint) in [
        ("", 400, "EOF"),
        ("{", 400, "EOF"),
        (r#"{"mode":"sulking"}"#, 400, "unknown variant `sulking`, expected one of"),
        (r#"{"mode":"reset","request":1}"#, 400, "unknown field `request`"),
        (r#"{"mode":"reset","requests":-1}"#, 400, "invalid value"),
        (r#"{"mode":"reset","requests":0}"#, 422, "at least 1"),
        (r#"{"mode":"reset","slow_ms":10}"#, 422, "mode slow only"),
    ] {
        let refused = set(body.to_owned()).await;
        assert_eq!(refused.status, status, "{body}");
        assert!(refused.body.contains(hint), "{body}: {}", refused.body);
    }
    assert_eq!(set(" ".repeat(65 * 1024)).await.status, 413);
    assert_eq!(bench.get("/sandbox/health").await.json()["mode"], "ok");
}
