//! The `troupe` binary. Everything it does is in the library, where tests reach it.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    server::cli::run().await
}
