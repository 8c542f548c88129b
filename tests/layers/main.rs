//! The layers of CONTRIBUTING.md, checked in the sources: which layer names which, and what each may
//! do.

mod graph;
mod planted;
mod source;

use std::path::{Path, PathBuf};

use graph::Graph;

/// A layer, and the layers that it may name.
const LAYERS: [(&str, &[&str]); 7] = [
    ("time", &[]),
    ("codec", &[]),
    ("session", &["codec", "time"]),
    ("sys", &["time"]),
    ("transport", &["sys", "time"]),
    ("client", &["codec", "session", "sys", "time", "transport"]),
    ("ffi", &["client", "codec"]),
];

/// What a pure layer must not use.
const IMPURE: [&str; 5] = [
    "Instant::now",
    "SystemTime",
    "std::net",
    "std::thread",
    "unsafe",
];

/// Inside src/client, each row names only itself and those above it.
const ROWS: [&[&str]; 5] = [
    &[
        "client/error.rs",
        "client/events.rs",
        "client/one_line.rs",
        "client/reason.rs",
        "client/scram/",
    ],
    &["client/state/"],
    &["client/driver/"],
    &["client/handle.rs", "client/turn.rs"],
    &["client/api/"],
];

/// This file only declares and re-exports.
const FRONT: &str = "client/mod.rs";

/// The only files of src/client that call the program's callbacks.
const CALLERS: [&str; 2] = ["client/driver/deliver.rs", "client/driver/batch.rs"];

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

#[test]
fn no_two_files_import_each_other_in_a_circle() {
    let graph = graph_of_src();
    let circles = graph.circles();
    assert!(circles.is_empty(), "{}", told(&graph, &circles));
}

#[test]
fn each_row_of_client_names_only_those_above() {
    let faults = faults_of_rows(&graph_of_src());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_front_of_client_only_declares_and_reexports() {
    let graph = graph_of_src();
    let front = graph.source(FRONT);
    let imports = front.imports.iter().filter(|import| !import.is_reexport);
    let imports: Vec<&String> = imports.map(|import| &import.name).collect();
    assert!(imports.is_empty(), "{FRONT} imports {imports:?}");
    assert!(front.items.is_empty(), "{FRONT} defines {:?}", front.items);
}

#[test]
fn only_two_files_of_client_call_the_program_back() {
    let graph = graph_of_src();
    let calls = files_of_client(&graph).filter_map(|file| {
        let call = call_of_program(&text_of(file)?)?;
        (!CALLERS.contains(&file)).then(|| format!("{file} calls back: {call}"))
    });
    let calls: Vec<String> = calls.collect();
    assert!(calls.is_empty(), "{}", calls.join("\n"));
}

fn graph_of_src() -> Graph {
    let graph = Graph::new(text_of);
    assert!(graph.files().count() > 50, "the sources are not found");
    graph
}

fn text_of(file: &str) -> Option<String> {
    std::fs::read_to_string(Path::new("src").join(file)).ok()
}

fn files_of_client(graph: &Graph) -> impl Iterator<Item = &str> {
    let files = graph.files().filter(|file| file.starts_with("client/"));
    files.filter(|file| *file != FRONT)
}

fn faults_of_rows(graph: &Graph) -> Vec<String> {
    let row_of = |file: &str| {
        let mut rows = ROWS.iter();
        rows.position(|row| row.iter().any(|path| file.starts_with(path)))
    };
    let mut faults = Vec::new();
    for file in files_of_client(graph) {
        let Some(row) = row_of(file) else {
            faults.push(format!("{file} is in no row"));
            continue;
        };
        for (other, name) in graph.named_by(file) {
            if row_of(other).is_some_and(|other| other > row) || other == FRONT {
                faults.push(format!("{file} names {name} of {other}"));
            }
        }
    }
    faults
}

/// The first place where a source calls a callback of the program.
fn call_of_program(text: &str) -> Option<String> {
    let tokens = source::tokens(text);
    let mut places = 1..tokens.len();
    let call = places.find(|&at| match &tokens[at..] {
        // Such as `callback(..)` and `(state.callback)(..)`.
        ["callback" | ")", "(", ..] => !matches!(tokens[at - 1], "fn" | "."),
        // Under any other name it has this argument.
        [",", "userdata", ",", ..] => true,
        _ => false,
    })?;
    let around = call.saturating_sub(4)..tokens.len().min(call + 5);
    Some(tokens[around].join(" "))
}

/// A line for each circle: its files, and what each names of the next one.
fn told(graph: &Graph, circles: &[Vec<&str>]) -> String {
    let line = |circle: &Vec<&str>| {
        let next = circle.iter().cycle().skip(1);
        let steps = circle.iter().zip(next);
        steps
            .map(|(file, next)| format!("{file} -> {} of ", graph.named_by(file)[*next]))
            .chain([circle[0].to_owned()])
            .collect::<String>()
    };
    let lines: Vec<String> = circles.iter().map(line).collect();
    format!("these import each other in a circle:\n{}", lines.join("\n"))
}

/// Passes each line of a layer's code to `check`, without comments, with its place.
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
