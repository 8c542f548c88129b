//! The functions of the header, so that no table omits one.

use std::collections::BTreeSet;
use std::path::Path;

/// The names of all functions that include/pmqtt.h declares.
pub fn functions() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/pmqtt.h");
    let header = std::fs::read_to_string(path).expect("include/pmqtt.h");
    header.lines().filter_map(declared).collect()
}

/// Declarations are the lines that begin with a type and have a name before a parenthesis.
fn declared(line: &str) -> Option<String> {
    let starts_with_type = line.starts_with(|first: char| first.is_ascii_alphabetic());
    let (before, _) = line.split_once('(')?;
    let name = before.rsplit([' ', '*']).next()?;
    (starts_with_type && name.starts_with("pmqtt_")).then(|| name.to_owned())
}
