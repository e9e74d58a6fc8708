//! Reading stored text back into domain values.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use crate::{StoreError, StoreResult};

/// Reads a stored id.
pub(crate) fn id<T: FromStr<Err = domain::ids::InvalidId>>(text: &str) -> StoreResult<T> {
    text.parse().map_err(|_| StoreError::Corrupt(format!("id {text:?}")))
}

/// Reads an optional stored id.
pub(crate) fn id_opt<T: FromStr<Err = domain::ids::InvalidId>>(text: Option<&str>) -> StoreResult<Option<T>> {
    text.map(id).transpose()
}

/// Reads a stored word of a closed list.
pub(crate) fn word<T>(found: Option<T>, what: impl Display) -> StoreResult<T> {
    found.ok_or_else(|| StoreError::Corrupt(what.to_string()))
}

/// Text as both databases can keep it: NUL is legal in JSON and in SQLite, but not in Postgres' text.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// Writes a JSON document for one parameter.
pub(crate) fn json(value: &impl serde::Serialize) -> StoreResult<String> {
    serde_json::to_string(value).map_err(|e| StoreError::Corrupt(e.to_string()))
}
