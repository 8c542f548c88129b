//! Bytes as the properties of each packet.

#![no_main]

#[path = "../../tests/codec/mqtt5_list.rs"]
mod mqtt5_list;

use libfuzzer_sys::fuzz_target;
use pmqtt::codec::Place;

const PLACES: [Place; 13] = [
    Place::Connect,
    Place::Will,
    Place::ConnAck,
    Place::Publish,
    Place::Delivery,
    Place::Ack,
    Place::Subscribe,
    Place::SubAck,
    Place::Unsubscribe,
    Place::UnsubAck,
    Place::Disconnect,
    Place::Dismissal,
    Place::Auth,
];

fuzz_target!(|bytes: &[u8]| {
    for place in PLACES {
        mqtt5_list::is_list(bytes, place);
    }
});
