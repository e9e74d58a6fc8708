//! `troupe openapi`: the description of the API, without a server.

use anyhow::Result;

/// Prints it.
pub fn run() -> Result<()> {
    super::say(&crate::api::description().to_pretty_json()?);
    Ok(())
}
