//! The client, through its C ABI, against a broker that each test plays byte by byte.

mod aliases;
mod auth;
mod connect;
mod drained;
mod errors;
mod expiry;
mod fall_back;
mod hostile;
mod keep_alive;
mod leaving;
mod mqtt5_ack;
mod mqtt5_connect;
mod mqtt5_disconnect;
mod mqtt5_publish;
mod mqtt5_subscribe;
mod mqtt5_will;
mod order;
mod publish;
mod receive;
mod reconnect;
mod redirect;
mod refusals;
mod reply;
mod request;
mod resubscribe;
mod runs;
#[cfg(feature = "tls")]
mod scram;
mod settings;
mod subscribe;
mod support;
mod unexpected;
