pub mod client;
pub mod codec;
pub mod session;
mod sys;
mod transport;
