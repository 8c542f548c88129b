pub mod client;
pub mod codec;
pub mod ffi;
pub mod session;
mod sys;
pub mod time;
mod transport;
