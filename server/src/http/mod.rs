//! The edge: what happens to a request before a handler sees it, and to a response after.
//!
//! From the outside in: id and log, panics, headers, whose client, how long a body; then for all that does work
//! how often, the session, from which site, and who. Assets and health ask nobody who they are.

pub mod assets;
pub mod authenticate;
pub mod body_limit;
pub mod client;
pub mod door;
pub mod forms;
pub mod headers;
pub mod health;
pub mod listen;
pub mod metrics;
pub mod origin;
pub mod pages;
pub mod problem;
pub mod rate_limit;
pub mod request_log;
pub mod session;

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use crate::{api, state::AppState};

/// Every route of the server with all its layers.
pub fn router(state: &AppState) -> Router {
    let pages = pages::router(state).merge(forms::router()).fallback(pages::fallback).layer(CompressionLayer::new());
    let working = pages
        .merge(api::router())
        .method_not_allowed_fallback(|| async { problem::Refusal::wrong_method() })
        .layer(from_fn_with_state(state.clone(), authenticate::authenticate))
        .layer(from_fn_with_state(state.clone(), origin::protect))
        .layer(session::layer(state))
        .layer(from_fn_with_state(state.clone(), session::mark_removal))
        .layer(from_fn_with_state(state.clone(), rate_limit::limit));
    Router::new()
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/pkg/{*file}", get(assets::package))
        .route("/fonts/{*file}", get(assets::package))
        .merge(working)
        .layer(from_fn(body_limit::limit))
        .layer(from_fn_with_state(state.clone(), client::identify))
        .layer(from_fn_with_state(state.clone(), headers::protect))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(state.clone(), request_log::log))
        .with_state(state.clone())
}
