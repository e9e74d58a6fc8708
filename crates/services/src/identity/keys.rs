//! Keys for programs: shown once, stored as a digest, told apart by their first characters.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use contracts::identity::{ApiKeyCreated, ApiKeyView, CreateApiKey};
use domain::{
    Actor, Ctx, Error, Membership, Result,
    access::{Permission, Scope},
    ids::ApiKeyId,
};
use rand::Rng as _;
use storage::identity::ApiKeyRow;

use super::Identity;
use crate::{replay, sessions::digest};

/// How every key begins: secret scanners know it by this.
const PREFIX: &str = "trp_";
/// Characters of a key that lists show.
const SHOWN: usize = 10;

impl Identity {
    /// Makes a key. The key itself is in this answer and nowhere else.
    pub async fn create_key(&self, ctx: &Ctx, input: CreateApiKey) -> Result<ApiKeyCreated> {
        let org = ctx.allow(Permission::ManageKeys)?;
        let name = input.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
            return Err(Error::invalid("name", "malformed", "Name the key in 1 to 80 characters."));
        }
        let scopes = input.scopes.unwrap_or_else(|| vec![Scope::All]);
        if scopes.is_empty() {
            return Err(Error::invalid("scopes", "required", "A key needs at least one scope."));
        }
        let mut tx = self.core.db.begin().await?;
        if let Some(id) = replay::earlier::<ApiKeyId>(&mut tx, ctx).await? {
            return Ok(ApiKeyCreated { id, key: None });
        }
        let key = fresh_key();
        let row = ApiKeyRow {
            id: ctx.new_id(),
            org,
            user: ctx.user()?,
            name,
            prefix: key.chars().take(SHOWN).collect(),
            scopes,
            created_at: ctx.now(),
            last_used_at: None,
        };
        storage::identity::insert_key(&mut tx, &row, &digest(&key)).await?;
        replay::keep(&mut tx, ctx, &row.id).await?;
        tx.commit().await?;
        tracing::info!(key.id = %row.id, "API key made");
        Ok(ApiKeyCreated { id: row.id, key: Some(key) })
    }

    /// The caller's keys, newest first.
    pub async fn keys(&self, ctx: &Ctx) -> Result<Vec<ApiKeyView>> {
        let org = ctx.allow(Permission::ManageKeys)?;
        let rows = storage::identity::keys(&self.core.db, org, ctx.user()?).await?;
        Ok(rows
            .into_iter()
            .map(|k| ApiKeyView { id: k.id, name: k.name, prefix: k.prefix, scopes: k.scopes, created_at: k.created_at, last_used_at: k.last_used_at })
            .collect())
    }

    /// Revokes one of the caller's keys, at once.
    pub async fn revoke_key(&self, ctx: &Ctx, id: ApiKeyId) -> Result<()> {
        let org = ctx.allow(Permission::ManageKeys)?;
        let mut tx = self.core.db.begin().await?;
        let found = storage::identity::revoke_key(&mut tx, org, ctx.user()?, id).await?;
        tx.commit().await?;
        if found { Ok(()) } else { Err(Error::NotFound("key")) }
    }

    /// Who a key stands for, unless it was revoked or its owner has left.
    pub async fn authenticate_key(&self, ctx: &Ctx, key: &str) -> Result<Option<(Actor, Membership)>> {
        if !key.starts_with(PREFIX) || key.len() > 200 {
            return Ok(None);
        }
        let Some(row) = storage::identity::find_key(&self.core.db, &digest(key), ctx.now()).await? else { return Ok(None) };
        let Some(membership) = self.membership_of(ctx, row.user, row.org).await? else { return Ok(None) };
        if row.last_used_at.is_none_or(|at| ctx.now().since(at) > std::time::Duration::from_mins(1)) {
            let mut tx = self.core.db.begin().await?;
            storage::identity::touch_key(&mut tx, row.id).await?;
            tx.commit().await?;
        }
        Ok(Some((Actor::ApiKey { user: row.user, key: row.id, scopes: row.scopes }, membership)))
    }
}

/// 32 random bytes: nothing to guess.
fn fresh_key() -> String {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
}
