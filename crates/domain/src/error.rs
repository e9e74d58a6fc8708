//! The one error of the product. Few variants, no transport in them; every door turns them into the
//! same problem document. Text for the outside is safe; the inside of [`Error::Internal`] is logged only.

use std::{borrow::Cow, time::Duration};

use crate::access::Permission;

/// The result of every verb.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name on the wire, such as `email`.
    pub field: &'static str,
    /// A stable word for programs, such as `too_short`.
    pub code: &'static str,
    /// A sentence for people.
    pub message: Cow<'static, str>,
}

/// Why an operation was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the session or key no longer counts.
    #[error("sign in first")]
    Unauthenticated,
    /// Signed in, but not allowed.
    #[error("not allowed: {0:?}")]
    Denied(Permission),
    /// There is no such thing, or it belongs to someone else: never told apart.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The input cannot be accepted.
    #[error("invalid input: {0:?}")]
    Invalid(Vec<FieldError>),
    /// The state of things forbids it now.
    #[error("{message}")]
    Conflict {
        /// A stable word for programs, such as `email_taken`.
        code: &'static str,
        /// A sentence for people.
        message: Cow<'static, str>,
    },
    /// Too much, too often.
    #[error("{message}")]
    Limit {
        /// A stable word for programs, such as `too_many_requests`.
        code: &'static str,
        /// A sentence for people.
        message: Cow<'static, str>,
        /// When to try again.
        retry_after: Option<Duration>,
    },
    /// Someone outside failed us: a model provider, a mail server.
    #[error("{who}: {message}")]
    Upstream {
        /// Who failed.
        who: &'static str,
        /// A stable word for programs, such as `model_rate_limited`.
        code: &'static str,
        /// A sentence for people.
        message: Cow<'static, str>,
        /// Whether trying again may help.
        retryable: bool,
        /// When the outside said to try again.
        retry_after: Option<Duration>,
    },
    /// The lease under which this was written is no longer held: all of the write was refused.
    #[error("the lease was lost")]
    LeaseLost,
    /// Our fault. The text inside is for the log.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// One refused field.
    pub fn invalid(field: &'static str, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(vec![FieldError { field, code, message: message.into() }])
    }

    /// A conflict.
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Conflict { code, message: message.into() }
    }

    /// Our fault, with what to log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }

    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Denied(_) => "denied",
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid",
            Self::Conflict { code, .. } | Self::Limit { code, .. } | Self::Upstream { code, .. } => code,
            Self::LeaseLost => "lease_lost",
            Self::Internal(_) => "internal",
        }
    }

    /// Whether trying the same again later may work without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Upstream { retryable, .. } => *retryable,
            Self::Limit { .. } | Self::LeaseLost | Self::Internal(_) => true,
            Self::Unauthenticated | Self::Denied(_) | Self::NotFound(_) | Self::Invalid(_) | Self::Conflict { .. } => false,
        }
    }
}
