//! The one error document (RFC 9457), the same at every door.

use domain::Error;
use serde::{Deserialize, Serialize};

/// An RFC 9457 problem with a stable `code`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Always `about:blank`: the `code` says what it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// A stable word for programs.
    pub code: String,
    /// A few words for people.
    pub title: String,
    /// A sentence for people.
    pub detail: String,
    /// The id under which the server logged the request.
    pub request_id: String,
    /// Fields that were refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// Seconds after which trying again may work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

/// One refused field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldProblem {
    /// The field's name.
    pub field: String,
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl Problem {
    /// A problem without fields.
    pub fn new(status: u16, code: impl Into<String>, title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            status,
            code: code.into(),
            title: title.into(),
            detail: detail.into(),
            request_id: String::new(),
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// The problem that tells of an error; what is for the log only stays out of it.
    pub fn of(error: &Error, request_id: &str) -> Self {
        let code = error.code();
        let mut problem = match error {
            Error::Unauthenticated => Self::new(401, code, "Not signed in", "Sign in, or send a valid API key."),
            Error::Denied(_) => Self::new(403, code, "Not allowed", "Your role or key does not allow this."),
            Error::NotFound(what) => Self::new(404, code, "Not found", format!("There is no such {what}.")),
            Error::Invalid(fields) => {
                let detail = fields.iter().map(|f| f.message.as_ref()).collect::<Vec<_>>().join(" ");
                Self::new(422, code, "Please check what you sent", detail)
            }
            Error::Conflict { message, .. } => Self::new(409, code, "Not possible now", message.as_ref()),
            Error::Limit { message, .. } => Self::new(429, code, "Too much at once", message.as_ref()),
            Error::Upstream { message, .. } => Self::new(502, code, "Someone else failed", message.as_ref()),
            Error::LeaseLost => Self::new(409, code, "Not possible now", "Another worker has taken over."),
            Error::Internal(_) => Self::new(500, code, "Our fault", "Something went wrong here. It has been logged."),
        };
        if let Error::Invalid(fields) = error {
            problem.errors =
                fields.iter().map(|f| FieldProblem { field: f.field.to_owned(), code: f.code.to_owned(), message: f.message.to_string() }).collect();
        }
        if let Error::Limit { retry_after, .. } | Error::Upstream { retry_after, .. } = error {
            problem.retry_after = retry_after.map(|d| d.as_secs().max(1));
        }
        request_id.clone_into(&mut problem.request_id);
        problem
    }

    /// What to tell about one field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.errors.iter().find(|e| e.field == name).map(|e| e.message.as_str())
    }
}
