//! Checks that the files, types and functions that docs/architecture.md names exist, and that its
//! map
//! lists each file of src.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

const PAGE: &str = "docs/architecture.md";

/// Files besides src that contain names of Rust and C.
const BESIDE: [&str; 3] = ["include/pmqtt.h", "Cargo.toml", "build.rs"];

#[test]
fn what_it_names_is_in_the_tree() {
    let page = page();
    let unknown = unknown(&page, &Tree::new());
    assert!(unknown.is_empty(), "{PAGE} names {unknown:#?}");
}

#[test]
fn its_map_lists_each_file_of_src_once() {
    let listed = listed(&page());
    let there = Tree::new().sources;
    let twice = (1..listed.len()).find(|&at| listed[..at].contains(&listed[at]));
    assert_eq!(twice.map(|at| &listed[at]), None, "listed twice");
    let listed: BTreeSet<String> = listed.into_iter().collect();
    let missing: Vec<_> = there.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&there).collect();
    assert!(missing.is_empty(), "the map does not list {missing:?}");
    assert!(gone.is_empty(), "the map lists {gone:?}");
}

#[test]
fn a_name_that_is_gone_is_found() {
    let page = "`src/nowhere.rs` `nowhere.rs` `src/client/` `Driver::pass` `Driver::nothing` `NothingAtAll` \
                `pmqtt_publish` `pmqtt_nothing` `try_pass()` `Driver()` `parking_lot` `make test`";
    let gone = [
        "src/nowhere.rs",
        "nowhere.rs",
        "Driver::nothing",
        "NothingAtAll",
        "pmqtt_nothing",
        "Driver()",
    ];
    assert_eq!(unknown(page, &Tree::new()), gone);
}

fn page() -> String {
    std::fs::read_to_string(PAGE).expect("the page")
}

/// The files and the words of the code.
struct Tree {
    sources: BTreeSet<String>,
    /// The words of each file, without its comments.
    words: Vec<HashSet<String>>,
    functions: HashSet<String>,
}

impl Tree {
    fn new() -> Tree {
        let files = files_below(Path::new("src"));
        let sources = files.iter().map(|file| file.display().to_string());
        let mut tree = Tree {
            sources: sources.filter(|file| !file.contains("/tests/")).collect(),
            words: Vec::new(),
            functions: HashSet::new(),
        };
        for file in files.into_iter().chain(BESIDE.map(PathBuf::from)) {
            let text = std::fs::read_to_string(&file).expect("a file of the tree");
            let code = text.lines().flat_map(code_of);
            let words = code.flat_map(|code| code.split(|c| !is_of_word(c)));
            let words: Vec<String> = words.filter(|w| !w.is_empty()).map(str::to_owned).collect();
            let functions = words.windows(2).filter(|pair| pair[0] == "fn");
            tree.functions.extend(functions.map(|pair| pair[1].clone()));
            tree.words.push(words.into_iter().collect());
        }
        tree
    }

    fn has(&self, name: &str) -> bool {
        if name.contains('/') || has_extension(name) {
            self.has_path(name)
        } else if let Some(function) = name.strip_suffix("()") {
            self.functions.contains(function)
        } else {
            // A type and its members are in one file.
            let parts: Vec<&str> = name.split("::").collect();
            self.words
                .iter()
                .any(|words| parts.iter().all(|&part| words.contains(part)))
        }
    }

    fn has_path(&self, name: &str) -> bool {
        let is_of_src = |file: &String| file.ends_with(&format!("/{name}"));
        Path::new(name).exists() || !name.contains('/') && self.sources.iter().any(is_of_src)
    }
}

/// The names in a text that the tree does not have.
fn unknown<'a>(text: &'a str, tree: &Tree) -> Vec<&'a str> {
    let names = names(text).filter(|name| is_name(name) && !tree.has(name));
    names.collect()
}

/// The texts in backticks, except in blocks of code.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2))
}

/// Whether the text is a name, and not a command or an option.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic())
        && text.chars().all(|c| is_of_word(c) || ":/.()".contains(c))
}

/// The files that the tables list. Each table is below the heading with its directory.
fn listed(text: &str) -> Vec<String> {
    let mut directory = None;
    let mut files = Vec::new();
    for line in text.lines() {
        let name = line.split('`').nth(1).unwrap_or_default();
        if line.starts_with('#') {
            directory = name.starts_with("src/").then_some(name);
        } else if let Some(directory) = directory.filter(|_| line.starts_with("| `")) {
            files.push(format!("{directory}{name}"));
        }
    }
    files
}

/// A line without its comment and its string literals.
fn code_of(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split('"').step_by(2)
}

/// Names of crates contain `-`.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

fn has_extension(name: &str) -> bool {
    Path::new(name).extension().is_some()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files_below(&path),
            false => vec![path],
        })
        .collect()
}
