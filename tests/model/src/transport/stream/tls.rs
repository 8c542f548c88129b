//! A type that has no values.

#[derive(Clone)]
pub enum Tls {}
