//! People, organizations, memberships, sessions, keys, and answers kept for repeated requests.

use domain::{
    Membership, Timestamp,
    access::{Role, Scope},
    ids::{ApiKeyId, OrgId, SessionId, UserId},
};

use crate::{Db, StoreResult, Tx, row};

/// A person as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Id.
    pub id: UserId,
    /// Address as typed.
    pub email: String,
    /// Name.
    pub name: String,
    /// Hash of the password, when there is one.
    pub password_hash: Option<String>,
}

type UserTuple = (String, String, String, Option<String>);

fn user(row: UserTuple) -> StoreResult<UserRow> {
    Ok(UserRow { id: row::id(&row.0)?, email: row.1, name: row.2, password_hash: row.3 })
}

/// Adds a person. [`crate::StoreError::Duplicate`] when the address is taken.
pub async fn insert_user(tx: &mut Tx, id: UserId, email: &str, name: &str, password_hash: Option<&str>) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO users (id, email, email_normal, name, password_hash, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)")
        .bind(id.to_string()).bind(email).bind(domain::identity::normal_email(email)).bind(name).bind(password_hash).bind(now)
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Finds a person by address, whatever its case.
pub async fn find_user_by_email(db: &Db, email: &str) -> StoreResult<Option<UserRow>> {
    let row: Option<UserTuple> = on_db!(db, c => sqlx::query_as("SELECT id, email, name, password_hash FROM users WHERE email_normal = $1")
        .bind(domain::identity::normal_email(email)).fetch_optional(c).await?);
    row.map(user).transpose()
}

/// Finds a person.
pub async fn find_user(db: &Db, id: UserId) -> StoreResult<Option<UserRow>> {
    let row: Option<UserTuple> =
        on_db!(db, c => sqlx::query_as("SELECT id, email, name, password_hash FROM users WHERE id = $1").bind(id.to_string()).fetch_optional(c).await?);
    row.map(user).transpose()
}

/// Replaces a person's password hash.
pub async fn set_password_hash(tx: &mut Tx, id: UserId, hash: &str) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    on_tx!(tx, c => sqlx::query("UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1").bind(id.to_string()).bind(hash).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Adds an organization.
pub async fn insert_organization(tx: &mut Tx, id: OrgId, name: &str) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    on_tx!(tx, c => sqlx::query("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)").bind(id.to_string()).bind(name).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// The name of an organization.
pub async fn organization_name(db: &Db, id: OrgId) -> StoreResult<Option<String>> {
    let row: Option<(String,)> = on_db!(db, c => sqlx::query_as("SELECT name FROM organizations WHERE id = $1").bind(id.to_string()).fetch_optional(c).await?);
    Ok(row.map(|r| r.0))
}

/// Makes a person a member.
pub async fn insert_membership(tx: &mut Tx, org: OrgId, user: UserId, role: Role) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    on_tx!(tx, c => sqlx::query("INSERT INTO memberships (org_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)")
        .bind(org.to_string()).bind(user.to_string()).bind(role.as_str()).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// A person's memberships, oldest first.
pub async fn memberships(db: &Db, user: UserId) -> StoreResult<Vec<Membership>> {
    let rows: Vec<(String, String)> = on_db!(db, c => sqlx::query_as("SELECT org_id, role FROM memberships WHERE user_id = $1 ORDER BY created_at, org_id")
        .bind(user.to_string()).fetch_all(c).await?);
    rows.iter().map(|(org, role)| Ok(Membership { org: row::id(org)?, role: row::word(Role::parse(role), role)? })).collect()
}

/// A session as stored; the token's digest stands for the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Digest of the token.
    pub token_hash: String,
    /// The id by which people manage it.
    pub id: SessionId,
    /// Who signed in.
    pub user: Option<UserId>,
    /// In which organization.
    pub org: Option<OrgId>,
    /// The session layer's own data, as JSON text.
    pub data: String,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// From where it was last used.
    pub address: Option<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Adds or replaces a session.
pub async fn save_session(tx: &mut Tx, session: &SessionRow) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO sessions (token_hash, id, user_id, org_id, data, user_agent, address, created_at, last_seen_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
         ON CONFLICT (token_hash) DO UPDATE SET user_id = excluded.user_id, org_id = excluded.org_id, data = excluded.data,
            user_agent = COALESCE(excluded.user_agent, sessions.user_agent), address = COALESCE(excluded.address, sessions.address),
            last_seen_at = excluded.last_seen_at, expires_at = excluded.expires_at")
        .bind(&session.token_hash).bind(session.id.to_string()).bind(session.user.map(|u| u.to_string())).bind(session.org.map(|o| o.to_string()))
        .bind(&session.data).bind(&session.user_agent).bind(&session.address).bind(now).bind(session.expires_at.micros())
        .execute(c).await?.rows_affected());
    Ok(())
}

/// Replaces a session that has not been ended meanwhile. Returns whether it was there.
pub async fn update_session(tx: &mut Tx, session: &SessionRow) -> StoreResult<bool> {
    let now = tx.now().await?.micros();
    let done = on_tx!(tx, c => sqlx::query(
        "UPDATE sessions SET user_id = $2, org_id = $3, data = $4, last_seen_at = $5, expires_at = $6 WHERE token_hash = $1")
        .bind(&session.token_hash).bind(session.user.map(|u| u.to_string())).bind(session.org.map(|o| o.to_string()))
        .bind(&session.data).bind(now).bind(session.expires_at.micros()).execute(c).await?.rows_affected());
    Ok(done == 1)
}

type SessionTuple = (String, String, Option<String>, Option<String>, String, Option<String>, Option<String>, i64);

/// Finds a session that has not ended by `now`.
pub async fn find_session(db: &Db, token_hash: &str, now: Timestamp) -> StoreResult<Option<SessionRow>> {
    let row: Option<SessionTuple> = on_db!(db, c => sqlx::query_as(
        "SELECT token_hash, id, user_id, org_id, data, user_agent, address, expires_at FROM sessions WHERE token_hash = $1 AND expires_at > $2")
        .bind(token_hash).bind(now.micros()).fetch_optional(c).await?);
    row.map(|(token_hash, id, user, org, data, user_agent, address, expires_at)| {
        Ok(SessionRow {
            token_hash,
            id: row::id(&id)?,
            user: row::id_opt(user.as_deref())?,
            org: row::id_opt(org.as_deref())?,
            data,
            user_agent,
            address,
            expires_at: Timestamp::from_micros(expires_at),
        })
    })
    .transpose()
}

/// Ends a session.
pub async fn delete_session(tx: &mut Tx, token_hash: &str) -> StoreResult<()> {
    on_tx!(tx, c => sqlx::query("DELETE FROM sessions WHERE token_hash = $1").bind(token_hash).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes sessions that ended before an instant.
pub async fn prune_sessions(tx: &mut Tx, before: Timestamp) -> StoreResult<u64> {
    Ok(on_tx!(tx, c => sqlx::query("DELETE FROM sessions WHERE expires_at < $1").bind(before.micros()).execute(c).await?.rows_affected()))
}

/// An API key as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRow {
    /// Id.
    pub id: ApiKeyId,
    /// The organization that it opens.
    pub org: OrgId,
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub name: String,
    /// Its first characters.
    pub prefix: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// Adds a key by its digest.
pub async fn insert_key(tx: &mut Tx, key: &ApiKeyRow, key_hash: &str) -> StoreResult<()> {
    let scopes = key.scopes.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" ");
    on_tx!(tx, c => sqlx::query(
        "INSERT INTO api_keys (id, org_id, user_id, name, prefix, key_hash, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
        .bind(key.id.to_string()).bind(key.org.to_string()).bind(key.user.to_string()).bind(&key.name).bind(&key.prefix).bind(key_hash)
        .bind(scopes).bind(key.created_at.micros()).execute(c).await?.rows_affected());
    Ok(())
}

#[derive(sqlx::FromRow)]
struct KeyTuple {
    id: String,
    org_id: String,
    user_id: String,
    name: String,
    prefix: String,
    scopes: String,
    created_at: i64,
    last_used_at: Option<i64>,
}

impl KeyTuple {
    fn read(self) -> StoreResult<ApiKeyRow> {
        Ok(ApiKeyRow {
            id: row::id(&self.id)?,
            org: row::id(&self.org_id)?,
            user: row::id(&self.user_id)?,
            name: self.name,
            prefix: self.prefix,
            scopes: self.scopes.split_whitespace().map(|s| row::word(Scope::parse(s), s)).collect::<StoreResult<_>>()?,
            created_at: Timestamp::from_micros(self.created_at),
            last_used_at: self.last_used_at.map(Timestamp::from_micros),
        })
    }
}

/// Finds a key by its digest, unless it was revoked or has ended by `now`.
pub async fn find_key(db: &Db, key_hash: &str, now: Timestamp) -> StoreResult<Option<ApiKeyRow>> {
    let row: Option<KeyTuple> = on_db!(db, c => sqlx::query_as(
        "SELECT id, org_id, user_id, name, prefix, scopes, created_at, last_used_at FROM api_keys
         WHERE key_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)")
        .bind(key_hash).bind(now.micros()).fetch_optional(c).await?);
    row.map(KeyTuple::read).transpose()
}

/// A person's keys that were not revoked, newest first.
pub async fn keys(db: &Db, org: OrgId, user: UserId) -> StoreResult<Vec<ApiKeyRow>> {
    let rows: Vec<KeyTuple> = on_db!(db, c => sqlx::query_as(
        "SELECT id, org_id, user_id, name, prefix, scopes, created_at, last_used_at FROM api_keys
         WHERE org_id = $1 AND user_id = $2 AND revoked_at IS NULL ORDER BY id DESC")
        .bind(org.to_string()).bind(user.to_string()).fetch_all(c).await?);
    rows.into_iter().map(KeyTuple::read).collect()
}

/// Notes that a key was used, at most once a minute.
pub async fn touch_key(tx: &mut Tx, id: ApiKeyId) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    on_tx!(tx, c => sqlx::query("UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2 - 60000000)")
        .bind(id.to_string()).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Revokes a person's key. Returns whether there was one.
pub async fn revoke_key(tx: &mut Tx, org: OrgId, user: UserId, id: ApiKeyId) -> StoreResult<bool> {
    let now = tx.now().await?.micros();
    let done = on_tx!(tx, c => sqlx::query("UPDATE api_keys SET revoked_at = $4 WHERE id = $1 AND org_id = $2 AND user_id = $3 AND revoked_at IS NULL")
        .bind(id.to_string()).bind(org.to_string()).bind(user.to_string()).bind(now).execute(c).await?.rows_affected());
    Ok(done == 1)
}

/// An answer kept for a repeated request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The digest of the request that it answered.
    pub fingerprint: String,
    /// The answer, as JSON text.
    pub answer: String,
}

/// Finds the answer kept under a caller's key.
pub async fn kept_answer(tx: &mut Tx, caller: &str, key: &str) -> StoreResult<Option<KeptAnswer>> {
    let row: Option<(String, String)> = on_tx!(tx, c => sqlx::query_as("SELECT fingerprint, answer FROM idempotency WHERE caller = $1 AND key = $2")
        .bind(caller).bind(key).fetch_optional(c).await?);
    Ok(row.map(|(fingerprint, answer)| KeptAnswer { fingerprint, answer }))
}

/// Keeps an answer in the unit of work of the change that it tells of. [`crate::StoreError::Duplicate`] when another request was first.
pub async fn keep_answer(tx: &mut Tx, caller: &str, key: &str, kept: &KeptAnswer) -> StoreResult<()> {
    let now = tx.now().await?.micros();
    on_tx!(tx, c => sqlx::query("INSERT INTO idempotency (caller, key, fingerprint, answer, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(caller).bind(key).bind(&kept.fingerprint).bind(&kept.answer).bind(now).execute(c).await?.rows_affected());
    Ok(())
}

/// Removes answers kept before an instant.
pub async fn prune_answers(tx: &mut Tx, before: Timestamp) -> StoreResult<u64> {
    Ok(on_tx!(tx, c => sqlx::query("DELETE FROM idempotency WHERE created_at < $1").bind(before.micros()).execute(c).await?.rows_affected()))
}
