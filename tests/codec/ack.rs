//! The short way to read an acknowledgement, compared with the general one.

use pmqtt::codec::{Ack, Packet, PacketId, Role, Version, decode, header, plain_ack};

/// The result of the general way.
fn read(packet: &[u8], version: Version) -> Option<(Ack, PacketId)> {
    let mut packet = packet.to_vec();
    let header = header(&packet, Role::Client, version).ok()??;
    if header.end > packet.len() {
        return None;
    }
    match decode(&mut packet, &header, version) {
        Ok(Packet::Ack(ack)) => Some((ack.ack, ack.id)),
        _ => None,
    }
}

/// The general way reads the rest: flags that 3.1 ignores and 3.1.1 forbids, and lengths with more
/// digits than they need.
#[test]
fn it_reads_what_the_general_way_reads() {
    let mut count = 0;
    for first in 0..=u8::MAX {
        for length in 0..=4 {
            for [high, low] in [[0, 0], [0, 1], [1, 0], [0xff, 0xff]] {
                let packet = [first, length, high, low, 0xaa];
                for end in 0..=packet.len() {
                    let short = plain_ack(&packet[..end]);
                    count += usize::from(short.is_some());
                    let general = read(&packet[..end], Version::V311);
                    assert_eq!(short, general, "{:x?}", &packet[..end]);
                    if short.is_some() {
                        assert_eq!(short, read(&packet[..end], Version::V31));
                        assert_eq!(short, read(&packet[..end], Version::V5));
                    }
                }
            }
        }
    }
    assert_eq!(count, 4 * 3 * 2);
}
