//! What every provider over HTTP shares: requests, retries, idle time, server-sent events and failures.
//!
//! Nothing here knows a provider's events: a [`call::Reader`] does. What holds for all: a call is tried again only
//! before its first chunk, every stream ends in one chunk `Finished` or one typed error, and no secret gets into an error.

pub(crate) mod call;
pub(crate) mod endpoint;
pub(crate) mod failure;
mod idle;
pub(crate) mod pacing;
pub(crate) mod schema;
pub(crate) mod sse;
