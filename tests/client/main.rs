//! The client where it could hang, spin, or forget what it was asked for.

mod answers;
mod ending;
mod event_fd;
mod goodbye;
mod interest;
mod support;
mod timeouts;
