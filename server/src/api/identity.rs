//! Signing up, in and out, who one is, and keys for programs.

use axum::{Json, extract::State, http::StatusCode};
use contracts::{
    Page,
    identity::{ApiKeyCreated, ApiKeyView, CreateApiKey, MeView, SignIn, SignUp},
};
use domain::ids::ApiKeyId;
use services::Services;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::extract::{Call, PathId},
    http::{authenticate::Caller, door::Door, problem::Answer},
    state::AppState,
};

/// The routes that anybody may ask for.
pub fn doors() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(sign_up)).routes(routes!(sign_in)).routes(routes!(sign_out))
}

/// The routes of those who are somebody.
pub fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(me)).routes(routes!(create_key, list_keys)).routes(routes!(revoke_key))
}

/// Sign up
///
/// Makes a person and their organization, and signs in: the answer sets the session cookie.
#[utoipa::path(post, path = "/auth/sign-up", tag = "identity", security(()), request_body = SignUp,
    responses((status = 201, description = "Signed up and in.", body = MeView)))]
async fn sign_up(door: Door, Call(_ctx, input): Call<SignUp>) -> Answer<(StatusCode, Json<MeView>)> {
    Ok((StatusCode::CREATED, Json(door.sign_up(input).await?.me)))
}

/// Sign in
///
/// The answer sets the session cookie. A wrong address and a wrong password are not told apart.
#[utoipa::path(post, path = "/auth/sign-in", tag = "identity", security(()), request_body = SignIn,
    responses((status = 200, description = "Signed in.", body = MeView)))]
async fn sign_in(door: Door, Call(_ctx, input): Call<SignIn>) -> Answer<Json<MeView>> {
    Ok(Json(door.sign_in(input).await?.me))
}

/// Sign out
///
/// Ends the session at once, for every request that carries its cookie.
#[utoipa::path(post, path = "/auth/sign-out", tag = "identity", security(()), responses((status = 204, description = "Signed out.")))]
async fn sign_out(door: Door) -> Answer<StatusCode> {
    door.sign_out().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who one is
#[utoipa::path(get, path = "/me", tag = "identity", responses((status = 200, description = "The person, the organization, the role.", body = MeView)))]
async fn me(State(services): State<Services>, Caller(ctx): Caller) -> Answer<Json<MeView>> {
    Ok(Json(services.identity.me(&ctx).await?))
}

/// Make an API key
///
/// The key is told in this answer and never again. No key can make another key.
#[utoipa::path(post, path = "/api-keys", tag = "identity", request_body = CreateApiKey,
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeating the request with the same key counts once; the key itself is not told twice.")),
    responses((status = 201, description = "The key.", body = ApiKeyCreated)))]
async fn create_key(State(services): State<Services>, Call(ctx, input): Call<CreateApiKey>) -> Answer<(StatusCode, Json<ApiKeyCreated>)> {
    Ok((StatusCode::CREATED, Json(services.identity.create_key(&ctx, input).await?)))
}

/// List one's API keys
#[utoipa::path(get, path = "/api-keys", tag = "identity", responses((status = 200, description = "The keys, without their secrets.", body = Page<ApiKeyView>)))]
async fn list_keys(State(services): State<Services>, Caller(ctx): Caller) -> Answer<Json<Page<ApiKeyView>>> {
    Ok(Json(Page { items: services.identity.keys(&ctx).await?, next_cursor: None }))
}

/// Revoke an API key
///
/// It counts no more, at once.
#[utoipa::path(delete, path = "/api-keys/{id}", tag = "identity", params(("id" = String, Path, format = "uuid", description = "The key's id.")),
    responses((status = 204, description = "Revoked.")))]
async fn revoke_key(State(services): State<Services>, Caller(ctx): Caller, PathId(id): PathId<ApiKeyId>) -> Answer<StatusCode> {
    services.identity.revoke_key(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
