//! Conversations and what is said in them.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use contracts::{
    Page,
    chat::{ConversationView, CreateConversation, MessageView, SendMessage, Sent, UpdateConversation},
    page::PageQuery,
};
use domain::ids::ConversationId;
use services::Services;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{
        events,
        extract::{Call, Params, PathId, accepts},
    },
    http::{authenticate::Caller, problem::Answer},
    state::AppState,
};

/// The routes.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, update, delete)).routes(routes!(messages, send))
}

/// List conversations
///
/// One's own, newest first.
#[utoipa::path(get, path = "/conversations", tag = "chat", params(PageQuery),
    responses((status = 200, description = "A page of conversations.", body = Page<ConversationView>)))]
async fn list(State(services): State<Services>, Caller(ctx): Caller, Params(page): Params<PageQuery>) -> Answer<Json<Page<ConversationView>>> {
    Ok(Json(services.chat.list(&ctx, &page).await?))
}

/// Start a conversation
#[utoipa::path(post, path = "/conversations", tag = "chat", request_body = CreateConversation,
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeating the request with the same key counts once.")),
    responses((status = 201, description = "The conversation.", body = ConversationView)))]
async fn create(State(services): State<Services>, Call(ctx, input): Call<CreateConversation>) -> Answer<(StatusCode, Json<ConversationView>)> {
    Ok((StatusCode::CREATED, Json(services.chat.create(&ctx, input).await?)))
}

/// Get a conversation
#[utoipa::path(get, path = "/conversations/{id}", tag = "chat", params(("id" = String, Path, format = "uuid", description = "The conversation's id.")),
    responses((status = 200, description = "The conversation.", body = ConversationView)))]
async fn get(State(services): State<Services>, Caller(ctx): Caller, PathId(id): PathId<ConversationId>) -> Answer<Json<ConversationView>> {
    Ok(Json(services.chat.get(&ctx, id).await?))
}

/// Change a conversation
///
/// Gives it another title, or brings it back after it was deleted (`"deleted": false`).
#[utoipa::path(patch, path = "/conversations/{id}", tag = "chat", request_body = UpdateConversation,
    params(("id" = String, Path, format = "uuid", description = "The conversation's id.")),
    responses((status = 200, description = "The conversation.", body = ConversationView)))]
async fn update(
    State(services): State<Services>,
    PathId(id): PathId<ConversationId>,
    Call(ctx, input): Call<UpdateConversation>,
) -> Answer<Json<ConversationView>> {
    Ok(Json(services.chat.update(&ctx, id, input).await?))
}

/// Delete a conversation
///
/// It can be brought back for 30 days.
#[utoipa::path(delete, path = "/conversations/{id}", tag = "chat", params(("id" = String, Path, format = "uuid", description = "The conversation's id.")),
    responses((status = 204, description = "Deleted.")))]
async fn delete(State(services): State<Services>, Caller(ctx): Caller, PathId(id): PathId<ConversationId>) -> Answer<StatusCode> {
    services.chat.delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List messages
///
/// Oldest first.
#[utoipa::path(get, path = "/conversations/{id}/messages", tag = "chat",
    params(("id" = String, Path, format = "uuid", description = "The conversation's id."), PageQuery),
    responses((status = 200, description = "A page of messages.", body = Page<MessageView>)))]
async fn messages(
    State(services): State<Services>,
    Caller(ctx): Caller,
    PathId(id): PathId<ConversationId>,
    Params(page): Params<PageQuery>,
) -> Answer<Json<Page<MessageView>>> {
    Ok(Json(services.chat.messages(&ctx, id, &page).await?))
}

/// Send a message
///
/// Starts a run that answers. With `Accept: text/event-stream` the answer is that run's events, from the first on.
/// While an answer is being written, another message is refused with `run_active`.
#[utoipa::path(post, path = "/conversations/{id}/messages", tag = "chat", request_body = SendMessage,
    params(
        ("id" = String, Path, format = "uuid", description = "The conversation's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "Repeating the request with the same key counts once."),
    ),
    responses(
        (status = 202, description = "The message, and the run that answers it.", body = Sent),
        (status = 200, description = "The run's events, as `GET /runs/{id}/events` sends them.", body = String, content_type = "text/event-stream"),
    ))]
async fn send(State(state): State<AppState>, PathId(id): PathId<ConversationId>, headers: HeaderMap, Call(ctx, input): Call<SendMessage>) -> Answer<Response> {
    let sent = state.services.chat.send(&ctx, id, input).await?;
    if accepts(&headers, "text/event-stream") {
        return events::stream(&state, &ctx, sent.run_id, 0).await;
    }
    Ok((StatusCode::ACCEPTED, Json(sent)).into_response())
}
