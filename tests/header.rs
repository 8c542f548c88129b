//! include/pmqtt.h is what cbindgen generates from the code. `make header` writes it again.

use std::path::Path;

#[test]
fn the_header_is_the_code_s() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
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
