//! Runs: where they stand, stopping them, asking again.

use axum::{Json, extract::State, http::StatusCode};
use contracts::{chat::Sent, runs::RunView};
use domain::ids::RunId;
use services::Services;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::extract::{Call, PathId},
    http::{authenticate::Caller, problem::Answer},
    state::AppState,
};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get)).routes(routes!(cancel)).routes(routes!(retry))
}

/// Get a run
#[utoipa::path(get, path = "/runs/{id}", tag = "runs", params(("id" = String, Path, format = "uuid", description = "The run's id.")),
    responses((status = 200, description = "The run.", body = RunView)))]
async fn get(State(services): State<Services>, Caller(ctx): Caller, PathId(id): PathId<RunId>) -> Answer<Json<RunView>> {
    Ok(Json(services.runs.get(&ctx, id).await?))
}

/// Stop a run
///
/// What it has written stays. Stopping a run that has ended changes nothing.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs", params(("id" = String, Path, format = "uuid", description = "The run's id.")),
    responses((status = 202, description = "It stops.", body = RunView)))]
async fn cancel(State(services): State<Services>, Caller(ctx): Caller, PathId(id): PathId<RunId>) -> Answer<(StatusCode, Json<RunView>)> {
    Ok((StatusCode::ACCEPTED, Json(services.runs.cancel(&ctx, id).await?)))
}

/// Answer again
///
/// Starts a new run for the message that a failed or stopped run answered.
#[utoipa::path(post, path = "/runs/{id}/retry", tag = "runs",
    params(
        ("id" = String, Path, format = "uuid", description = "The run's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeating the request with the same key counts once."),
    ),
    responses((status = 202, description = "The message, and the new run.", body = Sent)))]
async fn retry(State(services): State<Services>, PathId(id): PathId<RunId>, Call(ctx, Nothing {}): Call<Nothing>) -> Answer<(StatusCode, Json<Sent>)> {
    Ok((StatusCode::ACCEPTED, Json(services.chat.retry(&ctx, id).await?)))
}

/// An input without fields.
#[derive(serde::Deserialize)]
struct Nothing {}
