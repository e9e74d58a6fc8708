//! The forms of the door pages: they post to their own address and work without script.
//!
//! A good one ends in a redirect; a bad one in the same page with status 422, what was typed, and why. Never the password.

use app::{features::identity::form_state::FormState, paths};
use axum::{
    Form, Router,
    body::Body,
    extract::{FromRequest, Query, Request},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use contracts::identity::{SignIn, SignUp};
use domain::Error;
use http::{StatusCode, request::Parts};
use serde::Deserialize;

use crate::{
    http::{
        body_limit,
        client::RequestId,
        door::Door,
        pages,
        problem::{Answer, Refusal},
    },
    state::AppState,
};

/// The routes of the forms.
pub fn router() -> Router<AppState> {
    Router::new().route(paths::SIGN_UP, post(sign_up)).route(paths::SIGN_IN, post(sign_in)).route(paths::SIGN_OUT, post(sign_out))
}

async fn sign_up(door: Door, Sent { typed, parts }: Sent) -> Response {
    let input = SignUp { email: typed.email.clone(), password: typed.password.clone(), name: typed.name.clone() };
    match door.sign_up(input).await {
        Ok(_) => go_on(&typed, &parts),
        Err(error) => again(&door, error, typed, parts).await,
    }
}

async fn sign_in(door: Door, Sent { typed, parts }: Sent) -> Response {
    let input = SignIn { email: typed.email.clone(), password: typed.password.clone() };
    match door.sign_in(input).await {
        Ok(_) => go_on(&typed, &parts),
        Err(error) => again(&door, error, typed, parts).await,
    }
}

async fn sign_out(door: Door) -> Answer<Redirect> {
    door.sign_out().await?;
    Ok(Redirect::to(paths::SIGN_IN))
}

/// To where the visitor was going: a place of this site and nowhere else.
fn go_on(typed: &Typed, parts: &Parts) -> Response {
    let asked = if typed.next.is_empty() { Query::<Then>::try_from_uri(&parts.uri).ok().and_then(|Query(then)| then.next) } else { Some(typed.next.clone()) };
    Redirect::to(asked.as_deref().and_then(paths::local).unwrap_or(paths::CHAT)).into_response()
}

async fn again(door: &Door, error: Error, typed: Typed, parts: Parts) -> Response {
    let refusal = Refusal::from(error);
    let status = match refusal.status() {
        // An address that is taken is a mistake in the form, for whoever typed it.
        StatusCode::CONFLICT => StatusCode::UNPROCESSABLE_ENTITY,
        status if status.is_server_error() => return refusal.into_response(),
        status => status,
    };
    let mut problem = refusal.problem().clone();
    if let Some(RequestId(id)) = parts.extensions.get() {
        id.as_ref().clone_into(&mut problem.request_id);
    }
    let form = FormState { name: typed.name, email: typed.email, next: typed.next, problem: Some(problem) };
    pages::again(&door.state, parts, form, status).await
}

/// What may stand after the `?` of a door page.
#[derive(Deserialize)]
struct Then {
    next: Option<String>,
}

/// The fields of both forms; each sends those that it has.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    email: String,
    password: String,
    next: String,
}

/// A form as it was sent, and the request that it came with.
struct Sent {
    typed: Typed,
    parts: Parts,
}

impl FromRequest<AppState> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &AppState) -> Answer<Self> {
        let (parts, body) = request.into_parts();
        let body = body_limit::read(body).await?;
        match Form::from_request(Request::from_parts(parts.clone(), Body::from(body)), &()).await {
            Ok(Form(typed)) => Ok(Self { typed, parts }),
            Err(rejection) => Err(Refusal::new(rejection.into_response().status(), "malformed_form", "Not understood", "The form could not be read.")),
        }
    }
}
