//! Roles, permissions and scopes: the one table from which checks, pages and documentation are made.

use serde::{Deserialize, Serialize};

/// A member's role in an organization, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Owns the organization, its money and its end.
    Owner,
    /// Runs the organization day to day.
    Admin,
    /// Works in it.
    Member,
    /// Looks on.
    Viewer,
}

/// What an operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// See one's own conversations and those shared with one.
    ReadChat,
    /// Start conversations, send messages, stop runs, rename, delete.
    WriteChat,
    /// See which agents one may talk to.
    ReadAgents,
    /// Make and revoke one's own API keys.
    ManageKeys,
    /// See the organization's settings and members.
    ReadOrganization,
    /// Change the organization's settings and members.
    ManageOrganization,
}

impl Role {
    /// Every role, from most to least.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// Whether this role holds a permission.
    pub const fn holds(self, permission: Permission) -> bool {
        match permission {
            Permission::ReadChat | Permission::ReadAgents | Permission::ReadOrganization => true,
            Permission::WriteChat | Permission::ManageKeys => matches!(self, Self::Owner | Self::Admin | Self::Member),
            Permission::ManageOrganization => matches!(self, Self::Owner | Self::Admin),
        }
    }

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// What a key may do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything that its owner may do, but for making keys.
    All,
    /// Read conversations, runs and agents.
    Read,
    /// Read and write conversations and runs.
    Chat,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::All, Self::Read, Self::Chat];

    /// Whether this scope covers a permission. No scope lets a key make further keys.
    pub const fn holds(self, permission: Permission) -> bool {
        match self {
            Self::All => !matches!(permission, Permission::ManageKeys),
            Self::Read => matches!(permission, Permission::ReadChat | Permission::ReadAgents | Permission::ReadOrganization),
            Self::Chat => matches!(permission, Permission::ReadChat | Permission::ReadAgents | Permission::WriteChat),
        }
    }

    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Read => "read",
            Self::Chat => "chat",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}
