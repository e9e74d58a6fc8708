//! The public site: pages for people who are not signed in. No WASM, no claim that is not true of what is built.

mod example;
mod home_page;
mod missing_page;

pub use home_page::HomePage;
pub use missing_page::MissingPage;
