//! `/api/v1`: for programs, and for what pages follow. Thin doors to the verbs of the services.
//!
//! **Adding a route**: a handler in the noun's file takes the context and an input, calls one verb and returns; its
//! `utoipa::path` puts it into the router and the description at once.

mod agents;
mod chat;
mod describe;
mod events;
mod extract;
mod identity;
mod live;
mod runs;
mod sse;

use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use domain::{Actor, Ctx, Error};
use http::header::CONTENT_TYPE;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{http::problem::Refusal, state::AppState};

/// The routes, with the description of themselves.
pub fn router() -> Router<AppState> {
    let (routes, description) = described();
    let text: Arc<str> = description.to_json().unwrap_or_default().into();
    let description = move || async move { ([(CONTENT_TYPE, "application/json")], text.to_string()) };
    routes.route("/api/v1/openapi.json", get(description)).route("/api", any(nothing_here)).route("/api/{*rest}", any(nothing_here))
}

/// The description alone, for the command line.
pub fn description() -> OpenApi {
    described().1
}

fn described() -> (Router<AppState>, OpenApi) {
    // Streams stay outside of the compression: it would hold frames back.
    let closed = OpenApiRouter::new()
        .merge(identity::router())
        .merge(agents::router())
        .merge(chat::router())
        .merge(runs::router())
        .layer(CompressionLayer::new())
        .merge(events::router())
        .merge(live::router())
        .layer(middleware::from_fn(somebody));
    let routes = identity::doors().merge(closed);
    let (router, mut description) = OpenApiRouter::with_openapi(describe::preamble()).nest("/api/v1", routes).split_for_parts();
    describe::finish(&mut description);
    (router, description)
}

/// Nobody gets further than the doors.
async fn somebody(request: Request, next: Next) -> Response {
    match request.extensions().get::<Ctx>() {
        Some(ctx) if ctx.actor != Actor::Anonymous => next.run(request).await,
        _ => Refusal::from(Error::Unauthenticated).into_response(),
    }
}

async fn nothing_here() -> Refusal {
    Refusal::no_such_route()
}
