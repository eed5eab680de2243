//! HTTP tool routers behind a gate, with an axum router as the service.
#![cfg(feature = "http")]
#![expect(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::sync::{Arc, Mutex};

use asqav_core::policy::{Decision, Policy, PolicyInput};
use asqav_core::testing::TestGate;
use asqav_core::tower::http::{HttpTools, SignedHttpLayer};
use asqav_receipt::digest::Sha256Digest;
use asqav_receipt::id::{PolicyId, ReasonCode, RuleId};
use asqav_receipt::json::Json;
use asqav_receipt::payload::{Context, Form, Outcome, Phase};
use axum::body::Body;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json as AxumJson, Router};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// Allows `query` if its argument `account` is `DE-1`, and `broken`.
#[derive(Debug)]
struct OneAccount(PolicyId);

impl Policy for OneAccount {
    fn id(&self) -> &PolicyId {
        &self.0
    }

    fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(b"one-account")
    }

    fn decide(&self, input: &PolicyInput<'_>) -> Decision {
        let account = input.call.arguments.iter().find(|argument| argument.name == "account");
        let text = account.and_then(|argument| argument.value.as_ref()).map(|value| value.as_str());
        if input.call.tool.as_str() == "broken" || text == Some("\"DE-1\"") {
            Decision::allow(vec![RuleId::parse("de-1").unwrap()], Vec::new())
        } else {
            Decision::deny(Vec::new(), ReasonCode::parse("no_rule").unwrap())
        }
    }
}

fn gate() -> TestGate {
    TestGate::with_policy(OneAccount(PolicyId::parse("one-account").unwrap()))
}

fn router(test: &TestGate) -> Router {
    let tools = HttpTools::below("/tools/").tool("query", ["account"]).tool("broken", []).tool("stream", []);
    Router::new()
        .route(
            "/tools/query",
            post(|AxumJson(body): AxumJson<serde_json::Value>| async move { AxumJson(body) }),
        )
        .route("/tools/broken", post(|| async { (StatusCode::BAD_GATEWAY, "bank away").into_response() }))
        .route("/health", get(|| async { "fine" }))
        .layer(SignedHttpLayer::new(test.gate(), tools).max_request(1_000))
}

async fn send(router: Router, path: &str, body: impl Into<Body>) -> (Response<()>, String) {
    let request = Request::post(path).header("content-type", "application/json").body(body.into()).unwrap();
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn arguments_reach_policy_service_and_receipt() {
    let test = gate();
    let (response, body) = send(router(&test), "/tools/query", r#"{"account": "DE-1", "extra": 5}"#).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(body, r#"{"account":"DE-1","extra":5}"#);

    let receipts = test.receipts();
    receipts.assert_outcomes("query", &[Outcome::Ok]);
    let decision = receipts.of("query", Phase::Decision).next().unwrap();
    let Context::Arguments { shown, folded } = &decision.context else { panic!("{:?}", decision.context) };
    assert!(matches!(&shown[..], [(name, Form::Commit(_))] if name == "account"), "{shown:?}");
    assert_eq!(folded.map(|folded| folded.count), Some(1), "the undeclared argument folds");
    assert_eq!(decision.action_type.as_str(), "http:POST");
    receipts.assert_verified();
}

#[tokio::test]
async fn a_denied_call_never_reaches_the_router() {
    let test = gate();
    let (response, body) = send(router(&test), "/tools/query", r#"{"account":"DE-2"}"#).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let body = Json::parse(body.as_bytes()).unwrap();
    let receipts = test.receipts();
    let denial = receipts.of("query", Phase::Decision).next().unwrap();
    assert_eq!(body.as_object().unwrap().get("error").unwrap().as_str(), Some("denied"));
    assert_eq!(
        body.as_object().unwrap().get("receipt").unwrap().as_str(),
        Some(&*denial.action_id.to_string())
    );
    receipts.assert_denied("query", "no_rule");
}

/// A chain in a request's extensions is the call's: here nobody looks at it.
#[tokio::test]
async fn a_chain_in_the_extensions_comes_with_the_call() {
    let test = gate();
    let mut request = Request::post("/tools/query").header("content-type", "application/json");
    request.extensions_mut().unwrap().insert(asqav_core::delegation::Presented::read(b"junk"));
    let request = request.body(Body::from(r#"{"account":"DE-1"}"#)).unwrap();
    let response = router(&test).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    test.receipts().assert_denied("query", "delegation_unchecked");
}

#[tokio::test]
async fn hostile_bodies_are_refused_with_a_denial_receipt() {
    let long = format!(r#"{{"account":"{}"}}"#, "x".repeat(2_000));
    let deep = format!(r#"{{"account":{}{}}}"#, "[".repeat(201), "]".repeat(201));
    for (body, code) in [
        (r#"{"account":"DE-1","account":"DE-1"}"#, "duplicate_member"),
        ("[1]", "unrepresentable"),
        ("{", "unrepresentable"),
        (r#"{"n":9007199254740993}"#, "unrepresentable"),
        (&*long, "unrepresentable"),
        (&*deep, "too_deep"),
    ] {
        let test = gate();
        let (response, text) = send(router(&test), "/tools/query", body.to_owned()).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body:.60} {text}");
        let receipts = test.receipts();
        receipts.assert_denied("query", code);
        receipts.assert_verified();
    }
    let test = gate();
    let (response, _) = send(router(&test), "/tools/query?account=DE-2", r#"{"account":"DE-1"}"#).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST, "a query is no argument");
}

#[tokio::test]
async fn error_statuses_are_tool_errors_and_come_back_unchanged() {
    let test = gate();
    let (response, body) = send(router(&test), "/tools/broken", "").await;
    assert_eq!((response.status(), body.as_str()), (StatusCode::BAD_GATEWAY, "bank away"));
    let receipts = test.receipts();
    receipts.assert_outcomes("broken", &[Outcome::ToolError]);
    let outcome = receipts.of("broken", Phase::Outcome).next().unwrap();
    assert_eq!(outcome.asqav.error_type.as_ref().unwrap().as_str(), "http:502");
}

#[tokio::test]
async fn other_paths_pass_through_unless_every_request_is_a_call() {
    let test = gate();
    let request = Request::get("/health").body(Body::empty()).unwrap();
    let response = router(&test).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(test.receipts().payloads().filter(|payload| payload.tool_name.is_some()).count(), 0);

    let only = Router::new()
        .route("/health", get(|| async { "fine" }))
        .layer(SignedHttpLayer::new(test.gate(), HttpTools::below("/tools/").only()));
    let response = only.oneshot(Request::get("/health").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    test.receipts().assert_denied("http", "no_rule");
}

/// A router that finds the tool by what stands in the path, decoded.
fn by_name(test: &TestGate, ran: &Arc<Mutex<Vec<String>>>) -> Router {
    let ran = Arc::clone(ran);
    Router::new()
        .route(
            "/tools/{*tool}",
            post(move |axum::extract::Path(tool): axum::extract::Path<String>| async move {
                ran.lock().unwrap().push(tool);
            }),
        )
        .layer(SignedHttpLayer::new(
            test.gate(),
            HttpTools::below("/tools/").tool("query", ["account"]).tool("caf\u{e9}", ["account"]),
        ))
}

#[tokio::test]
async fn no_spelling_of_a_path_leads_past_the_gate() {
    let test = gate();
    let ran = Arc::default();
    for path in ["/tools/query", "/tools/quer%79", "/tools/%71uery"] {
        let (response, _) = send(by_name(&test, &ran), path, r#"{"account":"DE-2"}"#).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
    for path in [
        "/tools/query/",
        "/tools//query",
        "/tools/./query",
        "/tools/x/../query",
        "/tools/x%2F..%2Fquery",
        "/tools/%2E%2E/tools/query",
        "/tools/query%2F",
        "/tools/query%5C",
        "/tools/%ff",
        "/tools/%zz",
        "/tools/a%",
    ] {
        let (response, body) = send(by_name(&test, &ran), path, r#"{"account":"DE-1"}"#).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path} {body}");
    }
    assert_eq!(*ran.lock().unwrap(), Vec::<String>::new(), "a tool ran without its decision");
    test.receipts().assert_denied("query", "no_rule");
    test.receipts().assert_verified();

    // A name that has to be escaped is the tool's decoded name.
    let (response, _) = send(by_name(&test, &ran), "/tools/caf%C3%A9", r#"{"account":"DE-1"}"#).await;
    assert_eq!(response.status(), StatusCode::OK);
    test.receipts().assert_outcomes("caf\u{e9}", &[Outcome::Ok]);
}

#[tokio::test]
async fn long_responses_come_back_whole_and_uncaptured() {
    let test = TestGate::new();
    let body = "x".repeat(100_000);
    let expected = body.clone();
    let router = Router::new()
        .route("/tools/long", post(move || async move { Body::from_stream(chunks(body)) }))
        .layer(
            SignedHttpLayer::new(test.gate(), HttpTools::below("/tools/").tool("long", []))
                .max_response(10_000),
        );
    let (_, received) = send(router, "/tools/long", "").await;
    assert_eq!(received, expected);
    let receipts = test.receipts();
    receipts.assert_outcomes("long", &[Outcome::Ok]);
    let outcome = receipts.of("long", Phase::Outcome).next().unwrap();
    assert_eq!(outcome.context, Context::Result(None));
}

fn chunks(text: String) -> impl futures_core::Stream<Item = Result<Vec<u8>, std::convert::Infallible>> {
    Chunks(text.into_bytes())
}

struct Chunks(Vec<u8>);

impl futures_core::Stream for Chunks {
    type Item = Result<Vec<u8>, std::convert::Infallible>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let rest = self.0.len().min(700);
        let chunk: Vec<u8> = self.0.drain(..rest).collect();
        std::task::Poll::Ready((!chunk.is_empty()).then_some(Ok(chunk)))
    }
}
