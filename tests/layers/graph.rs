//! Which file names an item of which other file: modules and re-exports are followed to its definition.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use crate::source::{Import, Source};

/// The files of a crate, by their paths below src, and which item each names of which other file.
#[derive(Default)]
pub struct Graph {
    files: BTreeMap<String, Source>,
    parents: BTreeMap<String, String>,
    /// By parent and name; several if the platform or a feature decides.
    children: BTreeMap<(String, String), Vec<String>>,
    /// By the file that names and the file that defines: one of the names.
    edges: BTreeMap<String, BTreeMap<String, String>>,
}

enum Target {
    Module,
    Item(String),
}

impl Graph {
    /// All that lib.rs declares; `text` gives the text of a file, if there is one.
    pub fn new(text: impl Fn(&str) -> Option<String>) -> Graph {
        let mut graph = Graph::default();
        graph.load("lib.rs".to_owned(), &text);
        for file in graph.files.keys() {
            let edges = graph.names(file);
            graph.edges.insert(file.clone(), edges);
        }
        graph
    }

    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    pub fn source(&self, file: &str) -> &Source {
        &self.files[file]
    }

    /// The files whose items this file names, each with one of the names.
    pub fn named_by(&self, file: &str) -> &BTreeMap<String, String> {
        &self.edges[file]
    }

    /// The shortest circle of each file that is in one; each circle once.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let mut seen = BTreeSet::new();
        let circles = self.files().filter_map(|file| self.circle(file));
        let new = circles.filter(|circle| seen.insert(BTreeSet::from_iter(circle.clone())));
        new.collect()
    }

    fn circle<'a>(&'a self, start: &'a str) -> Option<Vec<&'a str>> {
        let mut seen = BTreeSet::new();
        let mut ways = VecDeque::from([vec![start]]);
        while let Some(way) = ways.pop_front() {
            for next in self.edges[*way.last()?].keys() {
                if next == start {
                    return Some(way);
                }
                if seen.insert(next) {
                    ways.push_back([&way[..], &[next]].concat());
                }
            }
        }
        None
    }

    fn load(&mut self, file: String, text: &impl Fn(&str) -> Option<String>) {
        let known = text(&file).unwrap_or_else(|| panic!("there is no {file}"));
        let source = Source::parse(&known);
        let path = Path::new(&file);
        let beside = path.parent().expect("a directory");
        let below = match path.ends_with("lib.rs") || path.ends_with("mod.rs") {
            true => beside.to_owned(),
            false => path.with_extension(""),
        };
        for module in &source.modules {
            let name = &module.name;
            let paths = match &module.path {
                Some(path) => vec![beside.join(path)],
                None => vec![
                    below.join(format!("{name}.rs")),
                    below.join(name).join("mod.rs"),
                ],
            };
            let mut paths = paths
                .iter()
                .map(|path| path.to_str().expect("a name").to_owned());
            let child = paths.find(|path| text(path).is_some());
            let child = child.unwrap_or_else(|| panic!("{file}: no file for mod {name}"));
            self.parents.insert(child.clone(), file.clone());
            let children = self.children.entry((file.clone(), name.clone()));
            children.or_default().push(child.clone());
            self.load(child, text);
        }
        self.files.insert(file, source);
    }

    /// What a file names of other files. A path within the crate that leads nowhere is an error of this
    /// test.
    fn names(&self, file: &str) -> BTreeMap<String, String> {
        let source = &self.files[file];
        let imports = source.imports.iter();
        // A re-export counts if the file itself uses the item.
        let used =
            imports.filter(|import| !import.is_reexport || source.words.contains(&import.name));
        let paths = used.map(|import| &import.path).chain(&source.paths);
        let mut names = BTreeMap::new();
        for path in paths {
            let targets = self.resolve(file, path);
            let is_ours = matches!(path[0].as_str(), "crate" | "self" | "super");
            assert!(
                !is_ours || !targets.is_empty(),
                "{file}: where is {path:?}?"
            );
            for target in targets {
                if let Target::Item(other) = target
                    && other != file
                {
                    names.insert(other, path.join("::"));
                }
            }
        }
        names
    }

    /// Where the item is defined that `path` names in `file`; nowhere if it is in another crate.
    fn resolve(&self, file: &str, path: &[String]) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else {
            return vec![Target::Module];
        };
        match first.as_str() {
            "crate" => return self.resolve("lib.rs", rest),
            "self" => return self.resolve(file, rest),
            "super" => return self.resolve(&self.parents[file], rest),
            _ => {}
        }
        let source = &self.files[file];
        let children = self.children.get(&(file.to_owned(), first.clone()));
        let children = children.map_or(&[][..], Vec::as_slice);
        let mut targets: Vec<Target> = children
            .iter()
            .flat_map(|child| self.resolve(child, rest))
            .collect();
        // A function may have the name of a module, but it contains nothing.
        if !rest.is_empty() && !children.is_empty() {
            return targets;
        }
        if source.items.contains(first) {
            targets.push(Target::Item(file.to_owned()));
        }
        let leads_on = |import: &&Import| import.path[0] != *first || !children.is_empty();
        for import in source.imports.iter().filter(leads_on) {
            if import.name == *first {
                let found = self.resolve(file, &[&import.path[..], rest].concat());
                match import.is_reexport && found.is_empty() {
                    // An item of another crate enters ours here.
                    true => targets.push(Target::Item(file.to_owned())),
                    false => targets.extend(found),
                }
            }
        }
        // Globs have the lowest priority.
        if targets.is_empty() {
            let globs = source.imports.iter().filter(|import| import.name == "*");
            let paths = globs.map(|glob| [&glob.path[..], path].concat());
            targets = paths.flat_map(|path| self.resolve(file, &path)).collect();
        }
        targets
    }
}
