//! Who acts: every request gets a [`Ctx`], by key, by session, or as nobody.
//!
//! A forged or expired cookie is nobody; a wrong key is refused, because a program that sends one expects to be
//! somebody. A request with both acts by its key, and its session is neither read nor written.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{Actor, Ctx, Error};
use http::{HeaderMap, header::AUTHORIZATION, request::Parts};
use tower_sessions::Session;

use crate::{
    http::{client::RequestId, problem::Refusal, session},
    state::AppState,
};

/// The key of a request, if it brings one. Other schemes are somebody else's, such as a proxy's.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Puts the context of the request where handlers and pages find it.
pub async fn authenticate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match context(&state, &parts).await {
        Ok(ctx) => {
            parts.extensions.insert(ctx);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => Refusal::from(error).into_response(),
    }
}

async fn context(state: &AppState, parts: &Parts) -> Result<Ctx, Error> {
    let id = parts.extensions.get::<RequestId>().map_or_else(|| state.new_request_id(), |id| id.0.clone());
    let nobody = state.context(id);
    if let Some(key) = bearer(&parts.headers) {
        let (actor, membership) = state.services.identity.authenticate_key(&nobody, key).await?.ok_or(Error::Unauthenticated)?;
        return Ok(nobody.with_actor(actor, Some(membership)));
    }
    let Some(session) = parts.extensions.get::<Session>() else { return Ok(nobody) };
    let Some(who) = session::who(session, &nobody).await? else { return Ok(nobody) };
    // Read anew each time: who has left the organization is out at once.
    let membership = state.services.identity.membership_of(&nobody, who.user, who.org).await?;
    Ok(match membership {
        Some(membership) => nobody.with_actor(Actor::User { user: who.user, session: who.session }, Some(membership)),
        None => nobody,
    })
}

/// The context of a request, as handlers take it.
#[derive(Debug, Clone)]
pub struct Caller(pub Ctx);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        match parts.extensions.get::<Ctx>() {
            Some(ctx) => Ok(Self(ctx.clone())),
            None => Err(Error::internal("a route without authentication takes a context").into()),
        }
    }
}
