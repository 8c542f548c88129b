//! One-shots through the C ABI: against a mosquitto, and against a broker that the test plays.

mod call;
mod distance;
mod mosquitto;
mod mqtt5;
mod options;
mod passwords;
mod played;
mod publish;
mod subscribe;
#[cfg(feature = "tls")]
mod tls;
mod wrong;
