//! Signing up and in, who one is, and keys for programs.

use domain::{
    Timestamp,
    access::{Role, Scope},
    ids::{ApiKeyId, OrgId, UserId},
};
use serde::{Deserialize, Serialize};

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct UserView {
    /// Id.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub id: UserId,
    /// Address.
    pub email: String,
    /// Name.
    pub name: String,
}

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct OrganizationView {
    /// Id.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub id: OrgId,
    /// Name.
    pub name: String,
}

/// Who is signed in, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MeView {
    /// The person.
    pub user: UserView,
    /// The organization in which they work now.
    pub organization: OrganizationView,
    /// Their role there.
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "owner"))]
    pub role: Role,
}

/// To sign up.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SignUp {
    /// Address.
    #[serde(default)]
    pub email: String,
    /// Password: 12 characters or more.
    #[serde(default)]
    pub password: String,
    /// Name.
    #[serde(default)]
    pub name: String,
}

/// To sign in.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SignIn {
    /// Address.
    #[serde(default)]
    pub email: String,
    /// Password.
    #[serde(default)]
    pub password: String,
}

impl std::fmt::Debug for SignUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignUp").field("email", &self.email).field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("email", &self.email).finish_non_exhaustive()
    }
}

/// To make an API key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CreateApiKey {
    /// What it is for.
    #[serde(default)]
    pub name: String,
    /// What it may do; everything its owner may when left out.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Vec<String>>))]
    pub scopes: Option<Vec<Scope>>,
}

/// A fresh API key: the only time that the key itself is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ApiKeyCreated {
    /// Id.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub id: ApiKeyId,
    /// The key: `trp_…`. Absent when an `Idempotency-Key` is replayed: a secret is told once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// An API key as listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ApiKeyView {
    /// Id.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "uuid"))]
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// Its first characters, to tell keys apart.
    pub prefix: String,
    /// What it may do.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<String>))]
    pub scopes: Vec<Scope>,
    /// When it was made.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = "date-time"))]
    pub created_at: Timestamp,
    /// When it was last used.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = "date-time"))]
    pub last_used_at: Option<Timestamp>,
}
