//! The short way to read an acknowledgement, held against the general one.

use pmqtt::codec::{Ack, Packet, PacketId, Role, Version, decode, header, plain_ack};

/// What the general way reads.
fn read(packet: &[u8], version: Version) -> Option<(Ack, PacketId)> {
    let mut packet = packet.to_vec();
    let header = header(&packet, Role::Client, version).ok()??;
    if header.end > packet.len() {
        return None;
    }
    match decode(&mut packet, &header, version) {
        Ok(Packet::Ack(kind, id)) => Some((kind, id)),
        _ => None,
    }
}

/// Flags that the one ignores and the other forbids, and lengths in more digits than they need, are for
/// the general way.
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
                    }
                }
            }
        }
    }
    assert_eq!(count, 4 * 3 * 2);
}
