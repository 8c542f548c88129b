//! Acknowledgements with a reason and properties.

use pmqtt::client::events::PropertyView;
use pmqtt::ffi;

use crate::support::{Broker, Client, Event, each_drive};

const CONNECT: &[u8] = b"\x10\x11\0\x04MQTT\x05\x02\0\x3c\x03\x22\0\x10\0\x01c";
const CONNACK: &[u8] = b"\x20\x03\0\0\0";
const REFUSAL: i32 = 0x99;

#[test]
fn a_message_is_refused_with_a_reason_and_properties() {
    each_drive(|drive| {
        let broker = Broker::new();
        let client = Client::create("c", true, ffi::PMQTT_PROTOCOL_V5);
        client.set_manual_ack(true);
        client.run(drive);
        client.connect_async(&broker);
        let mut peer = broker.welcome(CONNECT, CONNACK);
        assert_eq!(client.next(), Event::CONNECTED);
        peer.send(
            b"\x32\x07\0\x01t\0\x01\x001\x34\x07\0\x01t\0\x02\x002\x34\x07\0\x01t\0\x03\x003",
        );
        let mids = [client.next_mid(), client.next_mid(), client.next_mid()];
        let ack_with = |mid, qos, reason, properties: &'static [u8]| {
            let list = PropertyView {
                data: properties.as_ptr().cast(),
                len: properties.len(),
            };
            // SAFETY: the client lives, and so do the properties.
            unsafe { ffi::pmqtt_ack_with(client.0, mid, qos, reason, &list) }
        };
        // It waits for the message of the same QoS before it, and keeps what was said.
        assert_eq!(ack_with(mids[2], 2, REFUSAL, b"\x1f\0\x02no"), 0);
        assert_eq!(ack_with(mids[1], 2, 0, b""), 0);
        peer.expect(b"\x50\x02\0\x02\x50\x09\0\x03\x99\x05\x1f\0\x02no");
        let again = ack_with(mids[2], 2, 0, b"");
        assert_eq!(again, ffi::PMQTT_ERR_NOT_FOUND);
        assert_eq!(ack_with(mids[0], 1, REFUSAL, b""), 0);
        peer.expect(b"\x40\x03\0\x01\x99");
        // The client has forgotten the refused message, so its identifier is that of a new one.
        peer.send(b"\x34\x07\0\x01t\0\x03\x004");
        assert_ne!(client.next_mid(), mids[2]);
    });
}
