//! What crosses a wire: inputs, views, stream events and problem documents.
//!
//! Pages, REST, event streams and programs share these shapes; rows of the database never leave the
//! server. Compiles to WASM; `OpenAPI` schemas are derived for the server only (feature `schema`).

pub mod agents;
pub mod chat;
pub mod identity;
pub mod page;
pub mod problem;
pub mod runs;
pub mod stream;
pub mod transcript;

pub use page::Page;
pub use problem::Problem;
pub use stream::{Frame, StreamEvent};
