pub mod client;
// cbindgen puts none of the constants into the header.
/// cbindgen:ignore
pub mod codec;
pub mod ffi;
// cbindgen puts none of the constants into the header.
/// cbindgen:ignore
pub mod session;
mod sys;
pub mod time;
mod transport;
