//! Vendors and protocols behind the ports: one folder each.
//!
//! An adapter turns a port's words into a vendor's and back, and nothing else: no rules of the product, no storage.

pub mod practice;

pub use practice::{PracticeModel, PracticeSpeed};
