//! Pure rules: what may happen and when, without a clock or a database.

pub mod retry;
