//! SUBSCRIBE and UNSUBSCRIBE, and the broker's answers.

use pmqtt::ffi;

use crate::support::{Event, connected, each_drive};

fn subscribed(mid: u64, granted: &[u8]) -> Event {
    Event::Subscribed {
        mid,
        rc: 0,
        granted: granted.into(),
    }
}

#[test]
fn subscribes_with_each_qos() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        for (qos, mid) in [(0, 1), (1, 2), (2, 3)] {
            assert_eq!(connection.client.subscribe(&[("a/topic", qos.into())]), mid);
            let subscribe = [
                b"\x82\x0c\0",
                &[mid as u8] as &[u8],
                b"\0\x07a/topic",
                &[qos],
            ];
            connection.peer.expect(&subscribe.concat());
            connection.peer.send(&[0x90, 3, 0, mid as u8, qos]);
            assert_eq!(connection.client.next(), subscribed(mid, &[qos]));
        }
        connection.peer.expect_silence();
    });
}

#[test]
fn several_filters_are_one_packet() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        let filters = [("a", 0), ("b/+", 1), ("#", 2)];
        assert_eq!(connection.client.subscribe(&filters), 1);
        let subscribe = b"\x82\x10\0\x01\0\x01a\0\0\x03b/+\x01\0\x01#\x02";
        connection.peer.expect(subscribe);
        connection.peer.send(b"\x90\x05\0\x01\0\x80\x01");
        assert_eq!(connection.client.next(), subscribed(1, &[0, 0x80, 1]));
    });
}

#[test]
fn unsubscribes() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        assert_eq!(connection.client.unsubscribe(&["a/topic"]), 1);
        connection.peer.expect(b"\xa2\x0b\0\x01\0\x07a/topic");
        connection.peer.send(b"\xb0\x02\0\x01");
        let unsubscribed = Event::Unsubscribed { mid: 1, rc: 0 };
        assert_eq!(connection.client.next(), unsubscribed);
        assert_eq!(connection.client.unsubscribe(&["a", "b/#"]), 2);
        connection.peer.expect(b"\xa2\x0a\0\x02\0\x01a\0\x03b/#");
    });
}

#[test]
fn answers_may_come_in_any_order() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        connection.client.subscribe(&[("a", 0)]);
        connection.client.unsubscribe(&["b"]);
        connection.client.subscribe(&[("c", 1)]);
        connection.peer.expect(b"\x82\x06\0\x01\0\x01a\0");
        connection.peer.expect(b"\xa2\x05\0\x02\0\x01b");
        connection.peer.expect(b"\x82\x06\0\x03\0\x01c\x01");
        connection
            .peer
            .send(b"\x90\x03\0\x03\x01\xb0\x02\0\x02\x90\x03\0\x01\0");
        assert_eq!(connection.client.next(), subscribed(3, &[1]));
        let unsubscribed = Event::Unsubscribed { mid: 2, rc: 0 };
        assert_eq!(connection.client.next(), unsubscribed);
        assert_eq!(connection.client.next(), subscribed(1, &[0]));
    });
}

#[test]
fn what_the_connection_took_along_is_told() {
    each_drive(|drive| {
        let mut connection = connected(drive);
        connection.client.subscribe(&[("a", 0)]);
        connection.client.unsubscribe(&["b"]);
        connection.peer.expect(b"\x82\x06\0\x01\0\x01a\0");
        connection.peer.expect(b"\xa2\x05\0\x02\0\x01b");
        drop(connection.peer);
        let rc = ffi::PMQTT_ERR_CONN_LOST;
        let subscribed = Event::Subscribed {
            mid: 1,
            rc,
            granted: vec![],
        };
        assert_eq!(connection.client.next(), subscribed);
        let unsubscribed = Event::Unsubscribed { mid: 2, rc };
        assert_eq!(connection.client.next(), unsubscribed);
        assert_eq!(connection.client.next(), Event::Disconnected { rc });
    });
}
