//! Log lines for each stage of connecting, and for each packet in both directions. They cost
//! nothing while the program does not want them.

use crate::client::state::State;
use crate::client::state::log_lines::Level;
use crate::codec::{Buffer, Packet, Role, decode, header};
use crate::time::Moment;
use crate::transport::{Endpoint, Milliseconds, Transport};

pub fn connecting(state: &mut State, endpoint: &Endpoint) {
    let address = &endpoint.address;
    state.log(Level::Info, format_args!("connecting to {address}"));
}

/// Logs how far a connection has come.
pub fn progress(state: &mut State, transport: &mut Transport) {
    for stage in transport.take_passed_stages() {
        state.log(Level::Info, format_args!("{stage}"));
    }
}

/// Logs how long the broker took to answer CONNECT.
pub fn accepted(state: &mut State, now: Moment) {
    let took = Milliseconds(now.since(state.session.last_written()));
    let version = match state.session.is_older() {
        true => "; it is of MQTT 3.1.1, so messages and requests go without what only MQTT 5 has",
        false => "",
    };
    state.log(
        Level::Info,
        format_args!("mqtt: connected ({took}){version}"),
    );
}

pub fn received(state: &mut State, packet: &Packet) {
    state.log(Level::Debug, format_args!("received {packet}"));
}

/// Logs the packets in `bytes`. It decodes them from a copy of the bytes, so that the session need
/// not report each packet that it makes.
pub fn sent(state: &mut State, mut bytes: Buffer) {
    let version = state.session.version();
    let mut remaining = &mut bytes[..];
    while let Ok(Some(header)) = header(remaining, Role::Broker, version) {
        let Some((packet, after)) = remaining.split_at_mut_checked(header.end) else {
            return;
        };
        if let Ok(packet) = decode(packet, &header, version) {
            state.log(Level::Debug, format_args!("sending {packet}"));
        }
        remaining = after;
    }
}
