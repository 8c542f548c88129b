//! Each property of MQTT 5 in each packet: alone, twice, cut off, and with a wrong length around it.

use pmqtt::codec::{Malformed, Place, Properties, Role, Version, property};

use super::hex;
use super::mqtt5_table::{PACKETS, PROPERTIES, Packet, Property};
use super::oracle::round_trip;

const MALFORMED: u8 = 0x81;
const PROTOCOL_ERROR: u8 = 0x82;

/// Reads the packet with these properties: it is written again as it was.
fn read(packet: &Packet, list: &[u8]) -> Result<(), Malformed> {
    let bytes = packet.with(list);
    let read = round_trip(&bytes, packet.reader, Version::V5);
    if read.is_ok() {
        assert_eq!(read, Ok(Some(bytes)));
    }
    read.map(drop)
}

/// The reason, and the property that it is about.
fn refusal(result: Result<(), Malformed>) -> Option<(u8, u8)> {
    result.err().map(|error| (error.reason, error.property))
}

fn allowed() -> impl Iterator<Item = (&'static Packet, &'static Property)> {
    PACKETS.iter().flat_map(|packet| {
        let here = PROPERTIES
            .iter()
            .filter(|property| property.belongs_in(packet));
        here.map(move |property| (packet, property))
    })
}

#[test]
fn the_table_has_their_names() {
    for id in 0..=u8::MAX {
        let name = property::property(id).map(|property| property.name());
        let row = PROPERTIES.iter().find(|property| property.id == id);
        assert_eq!(name, row.map(|property| property.name), "{id}");
    }
}

#[test]
fn each_is_in_its_packets_and_in_no_other() {
    for packet in PACKETS {
        for id in 0..=u8::MAX {
            let row = PROPERTIES.iter().find(|property| property.id == id);
            let list = match row {
                Some(property) => [property.bytes(), property.needs()].concat(),
                None => vec![id, 0],
            };
            let expected = match row.is_some_and(|property| property.belongs_in(packet)) {
                true => None,
                false => Some((MALFORMED, id)),
            };
            let what = format!("{id} in {} to the {:?}", packet.name, packet.reader);
            assert_eq!(refusal(read(packet, &list)), expected, "{what}");
            let checked = Properties::check(&list, packet.place).map(drop);
            assert_eq!(refusal(checked), expected, "{what}");
        }
    }
}

#[test]
fn one_that_repeats_is_an_error_where_the_standard_says_so() {
    for (packet, property) in allowed() {
        let user = hex("26 00 00 00 00");
        let one = [property.bytes(), property.needs()].concat();
        let two = [&one[..], &user, &property.bytes()].concat();
        let expected = match property.repeats_in(packet) {
            true => None,
            false => Some((PROTOCOL_ERROR, property.id)),
        };
        let what = format!("{} in {}", property.name, packet.name);
        assert_eq!(refusal(read(packet, &two)), expected, "{what}");
        let checked = Properties::check(&two, packet.place).map(drop);
        assert_eq!(refusal(checked), expected, "{what}");
    }
}

#[test]
fn all_of_a_packet_may_be_there_together_in_any_order() {
    for packet in PACKETS {
        let here = PROPERTIES
            .iter()
            .filter(|property| property.belongs_in(packet));
        let mut rows: Vec<_> = here.collect();
        for _ in 0..rows.len() {
            let list: Vec<u8> = rows.iter().flat_map(|property| property.bytes()).collect();
            assert_eq!(read(packet, &list), Ok(()), "{}", packet.name);
            rows.rotate_left(1);
        }
    }
}

/// Nothing is in its way: what it needs comes first.
#[test]
fn one_that_is_cut_off_is_an_error() {
    for (packet, property) in allowed() {
        let whole = property.bytes();
        for end in 1..whole.len() {
            let list = [&property.needs()[..], &whole[..end]].concat();
            let what = format!("{} in {}, {end} bytes", property.name, packet.name);
            let expected = Some((MALFORMED, property.id));
            assert_eq!(refusal(read(packet, &list)), expected, "{what}");
        }
    }
}

#[test]
fn their_length_fits_into_the_packet() {
    for (packet, property) in allowed() {
        let list = [property.needs(), property.bytes()].concat();
        let most = hex("ff ff ff 7f");
        for length in [vec![list.len() as u8 - 1], vec![list.len() as u8 + 1], most] {
            let bytes = packet.with_length(&length, &list);
            let read = round_trip(&bytes, packet.reader, Version::V5);
            let reason = read.map_err(|error| error.reason);
            let what = format!("{} in {}: {length:x?}", property.name, packet.name);
            assert_eq!(reason, Err(MALFORMED), "{what}");
        }
    }
}

#[test]
fn their_length_has_no_more_bytes_than_it_needs() {
    for packet in PACKETS {
        for length in [
            "80 00",
            "80 80 00",
            "80 80 80 00",
            "80 80 80 80 00",
            "80 80 80 80 01",
        ] {
            let bytes = packet.with_length(&hex(length), &[]);
            let read = round_trip(&bytes, packet.reader, Version::V5);
            let error = read.expect_err(packet.name);
            assert_eq!(error.reason, MALFORMED, "{length} in {}", packet.name);
            assert!(
                error.text.contains("variable byte integer"),
                "{}",
                error.text
            );
        }
    }
}

/// From 128 on it has two bytes.
#[test]
fn their_length_may_have_several_bytes() {
    for packet in PACKETS {
        for length in [127, 128, 129, 16_383, 16_384, 65_542] {
            let text = vec![b'x'; length - 5];
            let (name, value) = text.split_at(text.len() / 2);
            let [name_length, value_length] =
                [name, value].map(|part| (part.len() as u16).to_be_bytes());
            let list = [&[38], &name_length[..], name, &value_length, value].concat();
            assert_eq!(read(packet, &list), Ok(()), "{length} in {}", packet.name);
        }
    }
}

/// A list of the program's for a PUBLISH is checked for the direction in which it goes.
#[test]
fn a_client_publishes_no_subscription_identifier() {
    let list = hex("0b 01");
    let error = Properties::check(&list, Place::Publish).unwrap_err();
    assert_eq!(error.property, property::SUBSCRIPTION_ID);
    assert!(Properties::check(&list, Place::Delivery).is_ok());
    let packet = hex("30 06 00 01 74 02 0b 01");
    let error = round_trip(&packet, Role::Broker, Version::V5).unwrap_err();
    assert_eq!(error.property, property::SUBSCRIPTION_ID);
}
