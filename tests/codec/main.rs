//! The codec against the texts of MQTT 3.1 and 3.1.1.

mod ack;
mod header;
mod limits;
mod malformed;
mod oracle;
mod publish;
mod random;
mod vectors;
mod versions;

/// Bytes from "10 0c ...", so that a packet looks as in the specification.
fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).expect(text))
        .collect()
}
