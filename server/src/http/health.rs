//! Whether the server is alive, and whether it is ready for work.

use axum::{Json, extract::State, response::IntoResponse};
use http::{StatusCode, header::CACHE_CONTROL};
use serde_json::json;

use crate::state::AppState;

/// Alive: the process answers. Asks nobody else.
pub async fn health() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Json(json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") })))
}

/// Ready: the database answers, its schema is ours, and workers run where they should.
pub async fn ready(State(state): State<AppState>) -> impl IntoResponse {
    let readiness = state.services.ready(&state.system("ready")).await;
    let ready = readiness.database && readiness.migrations && readiness.workers && !state.stopping.is_cancelled();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({
        "status": if ready { "ready" } else { "not ready" },
        "database": readiness.database,
        "migrations": readiness.migrations,
        "workers": readiness.workers,
        "stopping": state.stopping.is_cancelled(),
    });
    (status, [(CACHE_CONTROL, "no-store")], Json(body))
}
