//! One folder a noun.

pub mod chat;
pub mod failure;
pub mod gallery;
pub mod identity;
pub mod site;
