//! The codec against the texts of MQTT 3.1, 3.1.1 and 5.

mod ack;
mod display;
mod header;
mod limits;
mod malformed;
mod mqtt5_forms;
mod mqtt5_list;
mod mqtt5_malformed;
mod mqtt5_properties;
mod mqtt5_reasons;
mod mqtt5_table;
mod mqtt5_values;
mod mqtt5_vectors;
mod oracle;
mod publish;
mod random;
mod rewrite;
mod vectors;
mod versions;

/// Bytes from "10 0c ...", so that a packet looks as in the specification.
fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).expect(text))
        .collect()
}
