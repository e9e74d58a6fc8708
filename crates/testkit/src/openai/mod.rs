//! A fake OpenAI server on the wire: the Responses API and chat completions, with faults on demand.
//!
//! It speaks HTTP over a bare socket, because a fault is about bytes: where a stream is split, cut or reset. What it
//! answers is a [`Script`] handed in, or is read from the words of the request (see [`words`]).

mod chat;
mod http;
mod responses;
mod script;
mod send;
mod server;
mod stored;
mod words;

pub use script::{Dialect, Fault, Output, Script, Tokens};
pub use server::{FakeOpenAi, SeenRequest};
