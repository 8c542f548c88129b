//! A broker for one client: it sends each message back with the QoS that it came with.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH_0: u8 = 0x30;
const PUBLISH_1: u8 = 0x32;
const PUBLISH_2: u8 = 0x34;
const PUBACK: u8 = 0x40;
const PUBREC: u8 = 0x50;
const PUBREL: u8 = 0x62;
const PUBCOMP: u8 = 0x70;
const PINGREQ: u8 = 0xc0;
const PINGRESP: u8 = 0xd0;

/// The offset of the identifier: behind the header, and a topic of one byte with its length.
const ID_IN_PUBLISH: usize = 5;

/// Starts a broker, which ends with its connection, and returns its port.
pub fn start() -> i32 {
    start_with(&[CONNACK, 2, 0, 0])
}

/// The same for a client of MQTT 5, of whose messages the broker sends the properties back, too.
pub fn start_mqtt5() -> i32 {
    start_with(&[CONNACK, 3, 0, 0, 0])
}

fn start_with(connack: &'static [u8]) -> i32 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        serve(stream, connack);
    });
    port.into()
}

fn serve(mut stream: TcpStream, connack: &[u8]) {
    let mut input = Vec::new();
    let mut bytes = [0; 65536];
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        input.extend_from_slice(&bytes[..count]);
        let mut output = Vec::new();
        let mut rest = &input[..];
        // The packets of this test are short: their length is one byte.
        while let [_, length, ..] = *rest
            && let Some((packet, behind)) = rest.split_at_checked(2 + usize::from(length))
        {
            answer(packet, connack, &mut output);
            rest = behind;
        }
        let left = rest.len();
        input.drain(..input.len() - left);
        if stream.write_all(&output).is_err() {
            return;
        }
    }
}

fn answer(packet: &[u8], connack: &[u8], output: &mut Vec<u8>) {
    let mut ack = |first, id: &[u8]| output.extend_from_slice(&[first, 2, id[0], id[1]]);
    match packet[0] {
        CONNECT => return output.extend_from_slice(connack),
        PUBREC => return ack(PUBREL, &packet[2..]),
        PUBREL => return ack(PUBCOMP, &packet[2..]),
        PUBACK | PUBCOMP => return,
        PINGREQ => return output.extend_from_slice(&[PINGRESP, 0]),
        PUBLISH_0 => {}
        PUBLISH_1 => ack(PUBACK, &packet[ID_IN_PUBLISH..]),
        PUBLISH_2 => ack(PUBREC, &packet[ID_IN_PUBLISH..]),
        other => panic!("the client sent a packet {other:#x}"),
    }
    output.extend_from_slice(packet);
}
