//! The outermost layer: gives a request its id, logs and counts it, and finishes problem documents.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tracing::{Instrument, Level, event, info_span};

use crate::{
    http::{client::RequestId, problem},
    state::AppState,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps one request.
pub async fn log(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let id = state.new_request_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let method = known(request.method());
    // What a link's token opens stays out of the log.
    let path = if route.contains("{token}") { route.to_owned() } else { request.uri().path().to_owned() };
    let span = info_span!("request", %id, method, path);
    let started = Instant::now();

    let response = next.run(request).instrument(span.clone()).await;

    let _entered = span.enter();
    let mut response = problem::finish(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status();
    let elapsed = started.elapsed();
    tell(route, status, (elapsed.as_secs_f64() * 100_000.0).round() / 100.0);
    metrics::counter!("troupe_http_requests_total", "method" => method, "route" => route.to_owned(), "status" => status.as_str().to_owned()).increment(1);
    metrics::histogram!("troupe_http_request_seconds", "route" => route.to_owned()).record(elapsed.as_secs_f64());
    response
}

/// One line a request; what machines ask for all day is quieter.
fn tell(route: &str, status: StatusCode, ms: f64) {
    let quiet = matches!(route, "/health" | "/ready" | "/metrics") || route.starts_with("/pkg/") || route.starts_with("/fonts/");
    let status = status.as_u16();
    match (status, quiet) {
        (500.., _) => event!(Level::ERROR, status, ms, "answered"),
        (_, true) => event!(Level::DEBUG, status, ms, "answered"),
        _ => event!(Level::INFO, status, ms, "answered"),
    }
}

/// A method as a label: anybody can make up a new one.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
