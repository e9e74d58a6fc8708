//! The doors of the identity pages: who one is, and keys for programs. Signing up and in are forms of the edge.
#![expect(missing_docs, reason = "the arguments of server functions become fields")]

use contracts::identity::{ApiKeyCreated, ApiKeyView, MeView};
use domain::{access::Scope, ids::ApiKeyId};
use leptos::prelude::*;

use crate::error::AppResult;

/// Who is signed in.
#[server]
pub async fn get_me() -> AppResult<MeView> {
    let (services, ctx) = crate::backend::enter()?;
    Ok(services.identity.me(&ctx).await?)
}

/// One's own keys.
#[server]
pub async fn list_api_keys() -> AppResult<Vec<ApiKeyView>> {
    let (services, ctx) = crate::backend::enter()?;
    Ok(services.identity.keys(&ctx).await?)
}

/// Makes a key; the answer is the only place where it is told.
#[server]
pub async fn create_api_key(name: String, scope: Scope) -> AppResult<ApiKeyCreated> {
    let (services, ctx) = crate::backend::enter()?;
    let key = contracts::identity::CreateApiKey { name, scopes: Some(vec![scope]) };
    Ok(services.identity.create_key(&ctx, key).await?)
}

/// Ends a key at once.
#[server]
pub async fn revoke_api_key(key: ApiKeyId) -> AppResult<()> {
    let (services, ctx) = crate::backend::enter()?;
    Ok(services.identity.revoke_key(&ctx, key).await?)
}
