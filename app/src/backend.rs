//! The door from pages to services: the only module of the pages that exists on the server alone.
//!
//! The edge provides [`Services`] in the context and puts a [`Ctx`] into the extensions of every request.

use contracts::{
    Problem,
    chat::{CreateConversation, SendMessage, TranscriptView},
};
use domain::{Actor, Ctx, Error, ids::ConversationId};
use http::{HeaderValue, StatusCode, header, request::Parts};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use services::Services;

use crate::{
    error::{AppError, AppResult},
    features::chat::code::{self, Colored, Piece, all_code},
    paths,
};

/// What a server function works with: the verbs, and who calls.
///
/// Someone who has not signed in is sent to the sign-in page when a browser asks for a page.
pub fn enter() -> AppResult<(Services, Ctx)> {
    let services = use_context::<Services>().ok_or_else(|| AppError::from(Error::internal("no services in the context")))?;
    let ctx = context().ok_or_else(|| AppError::from(Error::internal("no operation context in the request")))?;
    if ctx.actor == Actor::Anonymous {
        let error = AppError::from(Error::Unauthenticated);
        if let Some(parts) = use_context::<Parts>().filter(|parts| is_page(parts) || accepts_html(parts)) {
            lead(&paths::sign_in_then(&page_of(&parts)));
        }
        return Err(error);
    }
    Ok((services, ctx))
}

/// After a form was sent without script: goes to a page. Script gets the value and stays where it is.
pub fn go(path: &str) {
    if use_context::<Parts>().is_some_and(|parts| accepts_html(&parts)) {
        lead(path);
    }
}

/// Answers with the way to another page.
fn lead(path: &str) {
    if let (Some(response), Ok(path)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(path)) {
        response.insert_header(header::LOCATION, path);
        response.set_status(StatusCode::SEE_OTHER);
    }
}

/// A message as a form sends it: its lines end in the way of the web.
pub fn message(text: String) -> SendMessage {
    SendMessage { text: text.replace("\r\n", "\n") }
}

/// A conversation that begins with a message; when that is refused there is no conversation either.
pub async fn start(services: &Services, ctx: &Ctx, text: String) -> AppResult<ConversationId> {
    let id = services.chat.create(ctx, CreateConversation::default()).await?.id;
    if let Err(refused) = services.chat.send(ctx, id, message(text)).await {
        services.chat.delete(ctx, id).await?;
        return Err(refused.into());
    }
    Ok(id)
}

/// The code of a conversation's answers, coloured for the first paint.
pub async fn colored(transcript: &TranscriptView) -> Vec<Colored> {
    let code = all_code(transcript);
    let keys: Vec<u64> = code.iter().map(|(language, text)| code::key(language, text)).collect();
    let found = services::highlight::highlight_all(code).await;
    keys.into_iter().zip(found).map(|(key, pieces)| Colored { key, pieces: owned(&pieces) }).collect()
}

/// One piece of code, coloured.
pub async fn color(language: String, code: String) -> Vec<Piece> {
    let found = services::highlight::highlight_all(vec![(language, code)]).await;
    found.first().map(|pieces| owned(pieces)).unwrap_or_default()
}

fn owned(pieces: &[(&'static str, String)]) -> Vec<Piece> {
    // The end of the last line is no part of what is shown.
    let last = pieces.len().saturating_sub(1);
    let text = |index: usize, text: &String| if index == last { text.strip_suffix('\n').unwrap_or(text).to_owned() } else { text.clone() };
    pieces.iter().enumerate().map(|(index, (class, piece))| ((*class).to_owned(), text(index, piece))).collect()
}

fn context() -> Option<Ctx> {
    use_context::<Parts>()?.extensions.get::<Ctx>().cloned()
}

fn accepts_html(parts: &Parts) -> bool {
    parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn is_page(parts: &Parts) -> bool {
    !parts.uri.path().starts_with("/api/")
}

/// The page that someone is on: this one, or the one whose form was sent.
fn page_of(parts: &Parts) -> String {
    if is_page(parts) {
        return parts.uri.path_and_query().map_or_else(|| paths::CHAT.to_owned(), ToString::to_string);
    }
    let referer = parts.headers.get(header::REFERER).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<http::Uri>().ok());
    referer.map_or_else(|| paths::CHAT.to_owned(), |uri| uri.path().to_owned())
}

impl From<Error> for AppError {
    /// Turns an error into what the page may know, sets the status of the response, logs what is our fault.
    fn from(error: Error) -> Self {
        let request_id = context().map(|ctx| ctx.request_id).unwrap_or_default();
        if let Error::Internal(cause) = &error {
            tracing::error!(request.id = &*request_id, cause, "a page failed");
        }
        let problem = Problem::of(&error, &request_id);
        // A form sent without script is answered by a redirect that tells the error; its status must stay.
        let redirected = use_context::<Parts>().is_some_and(|parts| !is_page(&parts) && accepts_html(&parts));
        if let (false, Some(response), Ok(status)) = (redirected, use_context::<ResponseOptions>(), StatusCode::from_u16(problem.status)) {
            response.set_status(status);
        }
        Self::Problem(Box::new(problem))
    }
}
