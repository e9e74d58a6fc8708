//! Chat: the pages, their parts, and the doors to the verbs (`api.rs`).
//!
//! `thread.rs` and `run.rs` are what a tab knows of a conversation; everything else shows it.

mod agent_badges;
mod answer;
pub mod api;
mod chat_page;
pub mod code;
mod composer;
mod conversation_list;
mod conversation_page;
mod conversation_row;
mod copy;
pub mod markdown;
mod message;
mod reasoning;
mod retry;
mod run;
mod scroll;
mod thread;
mod tool_call;
mod transcript;

pub use chat_page::ChatPage;
pub use conversation_list::{ConversationList, Conversations};
pub use conversation_page::ConversationPage;
