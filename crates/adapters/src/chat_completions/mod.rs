//! Chat completions: the older API, which nearly every server speaks.
//!
//! Spoken through [`crate::openai::OpenAi`], which chooses it where it is the better one.

pub(crate) mod reader;
pub(crate) mod request;
