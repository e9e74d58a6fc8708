//! What can go wrong for a page: the server said no (a problem document), or it could not be asked.
//!
//! Server functions fail with this type, so a form can tell "too short" from "you are offline".
//! How a domain error becomes one is in `backend.rs`, on the server.

use std::fmt;

use contracts::Problem;
use serde::{Deserialize, Serialize};
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

/// The result of every server function.
pub type AppResult<T> = Result<T, AppError>;

/// Why a page did not get what it asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppError {
    /// The server refused or failed, and says why.
    Problem(Box<Problem>),
    /// The question or the answer was lost on the way; the text is for the log.
    Transport(String),
}

impl AppError {
    /// The HTTP status, when the server gave one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Problem(problem) => Some(problem.status),
            Self::Transport(_) => None,
        }
    }

    /// The stable word for programs, when the server gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Problem(problem) => Some(&problem.code),
            Self::Transport(_) => None,
        }
    }

    /// Whether the session has ended.
    pub fn is_signed_out(&self) -> bool {
        self.status() == Some(401)
    }

    /// A few words for a heading.
    pub fn title(&self) -> String {
        match self {
            Self::Problem(problem) => problem.title.clone(),
            Self::Transport(_) => "The server did not answer".to_owned(),
        }
    }

    /// A sentence for people.
    pub fn detail(&self) -> String {
        match self {
            Self::Problem(problem) => problem.detail.clone(),
            Self::Transport(_) => "Check your connection and try again. What you typed is still here.".to_owned(),
        }
    }

    /// What to say beside one field.
    pub fn field(&self, name: &str) -> Option<String> {
        match self {
            Self::Problem(problem) => problem.field(name).map(str::to_owned),
            Self::Transport(_) => None,
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title(), self.detail())
    }
}

impl std::error::Error for AppError {}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            // The page sent something that is no argument of the function: an id that is none, say.
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::Problem(Box::new(Problem::new(400, "malformed", "Not understood", "The server could not read this request.")))
            }
            other => Self::Transport(other.to_string()),
        }
    }
}
