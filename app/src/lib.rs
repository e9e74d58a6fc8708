//! The pages: Leptos components, and the server functions that are their doors to the services.
//!
//! ```text
//! ui/        primitives that know nothing of the product
//! layout/    frames around pages
//! features/  one folder a noun: pages, parts, `api.rs` with the server functions
//! app.rs     the two applications and their routes      shell.rs  the HTML documents
//! backend.rs the way to the services (server only)      live.rs   what happens, told to a tab
//! session.rs who is signed in      error.rs  why something failed      news.rs   how what happens is read
//! loaded.rs  what a page loads     paths.rs  typed links
//! ```
//!
//! The server mounts `App` with `shell` and `SiteApp` with `site_shell`, renders the latter for errors too, and
//! mounts `GalleryApp` with `gallery_shell` where developers work.
//! It provides `services::Services` in the context and a `domain::Ctx` in each request's extensions.
#![recursion_limit = "512"]

pub mod app;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod error;
pub mod features;
pub mod layout;
pub mod live;
pub mod loaded;
pub mod news;
pub mod paths;
pub mod session;
pub mod shell;
pub mod ui;

pub use app::{App, GalleryApp, SiteApp};
pub use shell::{gallery_shell, shell, site_shell};
