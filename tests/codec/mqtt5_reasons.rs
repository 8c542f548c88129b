//! The reason codes of MQTT 5: which of them each packet may have, in each direction.

use pmqtt::codec::{Place, Role, Version, reason};

use super::oracle::{remaining_length, round_trip};

use Role::{Broker, Client};

/// A packet with room for a reason code, who reads it, and its codes.
struct Row {
    name: &'static str,
    readers: &'static [Role],
    first: u8,
    before: &'static [u8],
    behind: &'static [u8],
    codes: &'static [u8],
}

/// Sections 3.2.2.2, 3.4.2.1 to 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1 and 3.15.2.1, the last two with the side
/// that sends a code. Table 2-6 gives 0x8c to DISCONNECT, too.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row { name: "CONNACK", readers: &[Client], first: 0x20, before: &[0], behind: &[0], codes: &[
        0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95,
        0x97, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9f,
    ] },
    Row { name: "PUBACK", readers: &[Client, Broker], first: 0x40, before: ID, behind: &[], codes: &[
        0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99,
    ] },
    Row { name: "PUBREC", readers: &[Client, Broker], first: 0x50, before: ID, behind: &[], codes: &[
        0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99,
    ] },
    Row { name: "PUBREL", readers: &[Client, Broker], first: 0x62, before: ID, behind: &[], codes: &[
        0x00, 0x92,
    ] },
    Row { name: "PUBCOMP", readers: &[Client, Broker], first: 0x70, before: ID, behind: &[], codes: &[
        0x00, 0x92,
    ] },
    Row { name: "SUBACK", readers: &[Client], first: 0x90, before: ID_AND_LENGTH, behind: &[], codes: &[
        0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2,
    ] },
    Row { name: "UNSUBACK", readers: &[Client], first: 0xb0, before: ID_AND_LENGTH, behind: &[], codes: &[
        0x00, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91,
    ] },
    Row { name: "DISCONNECT", readers: &[Broker], first: 0xe0, before: &[], behind: &[], codes: &[
        0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99,
    ] },
    Row { name: "DISCONNECT", readers: &[Client], first: 0xe0, before: &[], behind: &[], codes: &[
        0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x93, 0x94,
        0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2,
    ] },
    Row { name: "AUTH", readers: &[Broker], first: 0xf0, before: &[], behind: &[0], codes: &[
        0x18, 0x19,
    ] },
    Row { name: "AUTH", readers: &[Client], first: 0xf0, before: &[], behind: &[0], codes: &[
        0x00, 0x18,
    ] },
];

const ID: &[u8] = &[0, 10];
const ID_AND_LENGTH: &[u8] = &[0, 10, 0];

impl Row {
    fn with(&self, codes: &[u8]) -> Vec<u8> {
        let body = [self.before, codes, self.behind].concat();
        [&[self.first], &remaining_length(body.len())[..], &body].concat()
    }
}

const PROTOCOL_ERROR: u8 = 0x82;

#[test]
fn each_packet_has_its_codes_and_no_others() {
    for row in ROWS {
        for code in 0..=u8::MAX {
            for &reader in row.readers {
                let read = round_trip(&row.with(&[code]), reader, Version::V5);
                let expected = match row.codes.contains(&code) {
                    true => Ok(()),
                    false => Err(PROTOCOL_ERROR),
                };
                let verdict = read.map(drop).map_err(|error| error.reason);
                assert_eq!(
                    verdict, expected,
                    "{code:02x} in {} to {reader:?}",
                    row.name
                );
            }
        }
    }
}

/// SUBACK and UNSUBACK have one for each filter, and each is checked.
#[test]
fn a_list_of_codes_has_no_foreign_one_in_it() {
    for row in ROWS.iter().filter(|row| row.before == ID_AND_LENGTH) {
        let read = |codes: &[u8]| {
            let read = round_trip(&row.with(codes), Client, Version::V5);
            read.map(drop).map_err(|error| error.reason)
        };
        assert_eq!(read(row.codes), Ok(()), "{}", row.name);
        for code in (0..=u8::MAX).filter(|code| !row.codes.contains(code)) {
            assert_eq!(read(&[0, code]), Err(PROTOCOL_ERROR), "{}", row.name);
            assert_eq!(read(&[code, 0]), Err(PROTOCOL_ERROR), "{}", row.name);
        }
    }
}

/// What the program hands in for an answer or for DISCONNECT is checked with these functions.
#[test]
fn the_checks_of_the_program_know_the_same_codes() {
    let codes = |name, reader| {
        let mut rows = ROWS.iter();
        let row = rows.find(|row| row.name == name && row.readers.contains(&reader));
        row.expect(name).codes
    };
    for code in 0..=u8::MAX {
        for (name, allowed) in [
            ("PUBACK", reason::is_allowed_in_answer(code)),
            ("PUBREC", reason::is_allowed_in_answer(code)),
            ("PUBREL", reason::is_allowed_in_release(code)),
            ("PUBCOMP", reason::is_allowed_in_release(code)),
            ("DISCONNECT", reason::is_allowed(code, Place::Disconnect)),
        ] {
            let expected = codes(name, Broker).contains(&code);
            assert_eq!(allowed, expected, "{code:02x} in {name}");
        }
    }
}
