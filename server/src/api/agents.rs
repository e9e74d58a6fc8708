//! The agents that one may talk to.

use axum::{Json, extract::State};
use contracts::{Page, agents::AgentView};
use services::Services;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    http::{authenticate::Caller, problem::Answer},
    state::AppState,
};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// List agents
#[utoipa::path(get, path = "/agents", tag = "agents", responses((status = 200, description = "The agents that one may talk to.", body = Page<AgentView>)))]
async fn list(State(services): State<Services>, Caller(ctx): Caller) -> Answer<Json<Page<AgentView>>> {
    Ok(Json(Page { items: services.agents.list(&ctx).await?, next_cursor: None }))
}
