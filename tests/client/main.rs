//! Cases in which a client could hang, spin, or lose a request.

mod answers;
mod ending;
mod event_fd;
mod goodbye;
mod interest;
mod support;
mod timeouts;
