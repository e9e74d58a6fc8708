//! Pages: rendered by the application, given services, a nonce and the bundle's names by the edge.

use app::{App, GalleryApp, SiteApp, features::identity::form_state::FormState, gallery_shell, shell, site_shell};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, Method, StatusCode,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY},
    request::Parts,
};
use leptos::{
    context::{provide_context, use_context},
    nonce::use_nonce,
};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list, render_app_async_with_context};

use crate::{
    http::{headers::page_policy, problem::Refusal},
    state::AppState,
};

/// Every page and server function as a route.
pub fn router(state: &AppState) -> Router<AppState> {
    let site = state.site.clone();
    let workspace = move || shell(site.options());
    let pages = Router::new()
        .leptos_routes_with_context(state, generate_route_list(App), context(state, None), workspace)
        .leptos_routes_with_handler(generate_route_list(SiteApp), public);
    if state.config.gallery { pages.leptos_routes_with_handler(generate_route_list(GalleryApp), gallery) } else { pages }
}

/// What a page finds in its context. The content policy carries the very nonce that the page's scripts do.
fn context(state: &AppState, form: Option<FormState>) -> impl Fn() + Clone + Send + Sync + 'static {
    let (services, site) = (state.services.clone(), state.site.clone());
    move || {
        provide_context(services.clone());
        if let Some(pieces) = site.split_manifest() {
            provide_context(pieces);
        }
        if let Some(form) = &form {
            provide_context(form.clone());
        }
        // Server functions have no nonce: their answers load nothing.
        if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) {
            if let Ok(policy) = HeaderValue::from_str(&page_policy(&nonce, site.reload().as_deref())) {
                response.insert_header(CONTENT_SECURITY_POLICY, policy);
            }
            // A page is one person's, and its nonce counts once.
            response.insert_header(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        }
    }
}

/// The gallery of primitives.
async fn gallery(State(state): State<AppState>, request: Request) -> Response {
    let site = state.site.clone();
    render_app_async_with_context(context(&state, None), move || gallery_shell(site.options()))(request).await
}

/// A page of the public site.
async fn public(State(state): State<AppState>, request: Request) -> Response {
    render(&state, request, None).await
}

/// Renders the page of a form again, with what was typed and why it was refused.
pub async fn again(state: &AppState, parts: Parts, form: FormState, status: StatusCode) -> Response {
    let mut request = Request::from_parts(parts, Body::empty());
    *request.method_mut() = Method::GET;
    let mut response = render(state, request, Some(form)).await;
    *response.status_mut() = status;
    response
}

/// The last resort: a public file, or the page that says that there is nothing.
pub async fn fallback(State(state): State<AppState>, request: Request) -> Response {
    if let Some(file) = state.site.answer(request.method(), request.uri(), request.headers()) {
        return file;
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Refusal::no_such_route().into_response();
    }
    let mut response = render(&state, request, None).await;
    if response.status() == StatusCode::OK {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

/// Renders whatever the public site has at the request's address.
async fn render(state: &AppState, request: Request, form: Option<FormState>) -> Response {
    let site = state.site.clone();
    render_app_async_with_context(context(state, form), move || site_shell(site.options()))(request).await
}
