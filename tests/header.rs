//! include/pmqtt.h is what cbindgen generates from the code. `make header` writes it again.

use std::path::Path;

const PREFIXES: [&str; 2] = ["PMQTT_", "pmqtt_"];

#[test]
fn the_header_is_the_code_s() {
    let root = root();
    let config = cbindgen::Config::from_file(root.join("bindings/c/cbindgen.toml"))
        .expect("bindings/c/cbindgen.toml");
    let mut generated = Vec::new();
    cbindgen::generate_with_config(root, config)
        .expect("cbindgen")
        .write(&mut generated);

    let header = root.join("include/pmqtt.h");
    if std::env::var_os("PMQTT_UPDATE_HEADER").is_some() {
        std::fs::write(&header, &generated).expect("include/pmqtt.h");
    }
    let committed = std::fs::read(&header).unwrap_or_default();
    assert!(
        committed == generated,
        "include/pmqtt.h differs from the code: run `make header`, and commit it"
    );
}

/// A constant of the code that is `pub` gets into the header by itself.
#[test]
fn names_have_the_prefix() {
    let header = std::fs::read_to_string(root().join("include/pmqtt.h")).expect("include/pmqtt.h");
    let names: Vec<_> = header.lines().filter_map(named).collect();
    assert!(names.contains(&"PMQTT_ERR_SUCCESS") && names.contains(&"pmqtt_client"));

    let strange: Vec<_> = names
        .into_iter()
        .filter(|name| !PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    assert!(
        strange.is_empty(),
        "exclude these in bindings/c/cbindgen.toml: {strange:?}"
    );
}

/// The macro or the type that a line defines.
fn named(line: &str) -> Option<&str> {
    if let Some(definition) = line.strip_prefix("#define ") {
        return definition.split_whitespace().next();
    }
    let end_of_type = line.starts_with("} ") && line.ends_with(';');
    if !line.starts_with("typedef ") && !end_of_type {
        return None;
    }
    match line.split_once("(*") {
        Some((_, function)) => function.split(')').next(),
        None => line.trim_end_matches([';', '{', ' ']).rsplit(' ').next(),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
