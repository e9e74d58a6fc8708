//! Sessions of browsers, as the edge's session layer stores them. The token is a secret; only its digest is kept.

use std::sync::Arc;

use domain::{
    Ctx, Result, Timestamp,
    ids::{OrgId, SessionId, UserId},
};
use sha2::{Digest as _, Sha256};
use storage::identity::SessionRow;

use crate::Core;

/// A session to keep.
#[derive(Clone, PartialEq, Eq)]
pub struct SavedSession {
    /// The secret in the cookie.
    pub token: String,
    /// The id by which people manage it.
    pub id: Option<SessionId>,
    /// Who signed in.
    pub user: Option<UserId>,
    /// In which organization.
    pub org: Option<OrgId>,
    /// The session layer's own data, as JSON text.
    pub data: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// From where it was used.
    pub address: Option<String>,
}

/// Keeps sessions.
#[derive(Clone)]
pub struct Sessions {
    core: Arc<Core>,
}

/// The digest under which a secret is stored.
pub(crate) fn digest(secret: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(secret.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Sessions {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Adds a session, or replaces it.
    pub async fn save(&self, ctx: &Ctx, session: SavedSession) -> Result<()> {
        let mut tx = self.core.db.begin().await?;
        storage::identity::save_session(&mut tx, &row(ctx, session)).await?;
        Ok(tx.commit().await?)
    }

    /// Replaces a session; one that was ended meanwhile stays ended.
    pub async fn update(&self, ctx: &Ctx, session: SavedSession) -> Result<bool> {
        let mut tx = self.core.db.begin().await?;
        let there = storage::identity::update_session(&mut tx, &row(ctx, session)).await?;
        tx.commit().await?;
        Ok(there)
    }

    /// Finds a session by its secret.
    pub async fn load(&self, ctx: &Ctx, token: &str) -> Result<Option<SavedSession>> {
        let row = storage::identity::find_session(&self.core.db, &digest(token), ctx.now()).await?;
        Ok(row.map(|row| SavedSession {
            token: token.to_owned(),
            id: Some(row.id),
            user: row.user,
            org: row.org,
            data: row.data,
            expires_at: row.expires_at,
            user_agent: row.user_agent,
            address: row.address,
        }))
    }

    /// Ends a session.
    pub async fn delete(&self, _ctx: &Ctx, token: &str) -> Result<()> {
        let mut tx = self.core.db.begin().await?;
        storage::identity::delete_session(&mut tx, &digest(token)).await?;
        Ok(tx.commit().await?)
    }
}

fn row(ctx: &Ctx, session: SavedSession) -> SessionRow {
    SessionRow {
        token_hash: digest(&session.token),
        id: session.id.unwrap_or_else(|| ctx.new_id()),
        user: session.user,
        org: session.org,
        data: session.data,
        user_agent: session.user_agent.map(|agent| agent.chars().take(300).collect()),
        address: session.address,
        expires_at: session.expires_at,
    }
}
