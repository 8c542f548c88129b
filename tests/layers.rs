//! The layers of CONTRIBUTING.md, held by reading the sources: who names whom, and who may do what.

use std::path::{Path, PathBuf};

/// A layer, and those that it may name.
const LAYERS: [(&str, &[&str]); 7] = [
    ("time", &[]),
    ("codec", &[]),
    ("session", &["codec", "time"]),
    ("sys", &["time"]),
    ("transport", &["sys", "time"]),
    ("client", &["codec", "session", "sys", "time", "transport"]),
    ("ffi", &["client", "codec"]),
];

/// What a pure layer does not do.
const IMPURE: [&str; 5] = [
    "Instant::now",
    "SystemTime",
    "std::net",
    "std::thread",
    "unsafe",
];

#[test]
fn each_layer_names_only_those_below() {
    for (layer, below) in LAYERS {
        each_line(layer, |place, line| {
            for path in line.split("crate::").skip(1) {
                let named = path.split(|c: char| !c.is_alphanumeric()).next();
                let named = named.unwrap_or_default();
                assert!(
                    named == layer || below.contains(&named),
                    "{place} names {named:?}"
                );
            }
        });
    }
}

#[test]
fn time_codec_and_session_are_pure() {
    for layer in ["time", "codec", "session"] {
        each_line(layer, |place, line| {
            for impure in IMPURE {
                assert!(!line.contains(impure), "{place} has {impure}");
            }
        });
    }
}

#[test]
fn unsafe_stands_only_where_c_or_the_system_is_called() {
    for layer in ["transport", "client"] {
        each_line(layer, |place, line| {
            assert!(!line.contains("unsafe"), "{place} has unsafe");
        });
    }
}

#[test]
fn the_layers_are_all_that_there_is() {
    let modules = source_files(Path::new("src")).into_iter().map(|path| {
        let below = path.strip_prefix("src").expect("a path below src");
        below.iter().next().expect("a name").to_owned()
    });
    for module in modules {
        let layers = LAYERS.iter().map(|(layer, _)| *layer);
        assert!(layers.chain(["lib.rs"]).any(|known| module == known));
    }
}

/// Shows each line of a layer's code, without its comments, and where it stands.
fn each_line(layer: &str, check: impl Fn(&str, &str)) {
    let files = source_files(&Path::new("src").join(layer));
    assert!(!files.is_empty(), "there is no src/{layer}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source file");
        for (number, line) in (1..).zip(text.lines()) {
            let code = line.split("//").next().unwrap_or_default();
            check(&format!("{}:{number}", file.display()), code);
        }
    }
}

fn source_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => source_files(&path),
            false => vec![path],
        })
        .collect()
}
