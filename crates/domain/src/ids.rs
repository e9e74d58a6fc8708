//! Typed ids. Every id is a `UUIDv7` printed in lower case, so text order is creation order in both
//! databases, in logs and in URLs. New ids come from [`crate::Ctx::new_id`] only.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text was not an id: not 36 characters of a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct InvalidId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl $name {
            /// The id as a plain UUID.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the printed form: one id has one spelling, in URLs and in the database.
                if text.len() != 36 {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    )+};
}

ids! {
    /// An organization: owns data and pays.
    OrgId
    /// A person who signs in.
    UserId
    /// A signed-in browser.
    SessionId
    /// A key for programs.
    ApiKeyId
    /// A conversation between people and agents.
    ConversationId
    /// One message of a conversation.
    MessageId
    /// One execution: a chat turn, a workflow, a work item.
    RunId
    /// A queue entry.
    JobId
    /// A cause that a run waits for.
    WaitId
    /// An effect outside, waiting in the outbox.
    EffectId
    /// One entry of metered use.
    UsageId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let text = "0192f0c1-2345-7abc-8def-0123456789ab";
        assert_eq!(text.parse::<RunId>().map(|id| id.to_string()).as_deref(), Ok(text));
        assert_eq!("0192f0c123457abc8def0123456789ab".parse::<RunId>(), Err(InvalidId));
        assert_eq!("".parse::<RunId>(), Err(InvalidId));
        assert_eq!("not-an-id".parse::<RunId>(), Err(InvalidId));
    }
}
