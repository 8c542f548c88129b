pub mod client;
pub mod codec;
pub mod ffi;
pub mod session;
mod sys;
mod transport;
