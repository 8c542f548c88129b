//! The rules find what is planted in small sources.

use crate::graph::Graph;
use crate::{call_of_program, faults_of_rows};

fn graph(files: &[(&str, &str)]) -> Graph {
    let text = |path: &str| {
        let file = files.iter().find(|(file, _)| *file == path);
        file.map(|(_, text)| text.to_string())
    };
    Graph::new(text)
}

/// The files that `a.rs` names, where `b/mod.rs` re-exports from `b/inner.rs`.
fn named_by(a: &str) -> Vec<String> {
    let graph = graph(&[
        ("lib.rs", "mod a; mod b; mod c; fn root() {}"),
        ("a.rs", a),
        (
            "b/mod.rs",
            "mod inner; pub mod open; pub(crate) use inner::{Inner as Renamed, *}; pub struct Front;",
        ),
        ("b/inner.rs", "pub struct Inner; pub fn function() {}"),
        (
            "b/open.rs",
            "pub const CONSTANT: u8 = 0; pub static STATIC: u8 = 0;",
        ),
        (
            "c.rs",
            "use crate::b::Front; pub enum Choice { One } macro_rules! rule { () => {} }",
        ),
    ]);
    graph.named_by("a.rs").keys().cloned().collect()
}

#[test]
fn a_use_names_the_file_that_defines() {
    assert_eq!(named_by("use crate::c::Choice;"), ["c.rs"]);
    assert_eq!(named_by("use super::c::Choice::One as First;"), ["c.rs"]);
    assert_eq!(named_by("use super::root;"), ["lib.rs"]);
    assert_eq!(
        named_by("use crate::b::{\n    Front, // one\n};"),
        ["b/mod.rs"]
    );
    assert_eq!(named_by("use super::b::Renamed;"), ["b/inner.rs"]);
    assert_eq!(
        named_by("use super::{b::{function}, c::{self, Choice}};"),
        ["b/inner.rs", "c.rs"]
    );
    assert_eq!(
        named_by("fn f() { use crate::b::open::STATIC; }"),
        ["b/open.rs"]
    );
    assert_eq!(
        named_by("pub use crate::c::Choice; type Used = Choice;"),
        ["c.rs"]
    );
}

#[test]
fn a_path_names_the_file_that_defines() {
    assert_eq!(
        named_by("fn f() { crate::b::open::CONSTANT; }"),
        ["b/open.rs"]
    );
    assert_eq!(named_by("fn f() { super::b::function(); }"), ["b/inner.rs"]);
    assert_eq!(named_by("use crate::b; impl b::Renamed {}"), ["b/inner.rs"]);
    assert_eq!(
        named_by("use crate::b::open as o; fn f() { o::CONSTANT }"),
        ["b/open.rs"]
    );
    assert_eq!(named_by("fn f() -> Vec<super::b::Front> {}"), ["b/mod.rs"]);
}

#[test]
fn what_is_no_code_names_nothing() {
    assert_eq!(named_by("// use crate::c::Choice;").len(), 0);
    assert_eq!(
        named_by("/* crate::c::Choice */ fn f() { '\"'; \"\\\" crate::c::Choice\" }").len(),
        0
    );
    assert_eq!(
        named_by("const RAW: &str = r#\"\" crate::c::Choice\"#;").len(),
        0
    );
    assert_eq!(
        named_by("#[cfg(test)] mod tests { use super::*; use crate::c::Choice; }").len(),
        0
    );
    assert_eq!(
        named_by("#[cfg(test)]\n#[path = \"t.rs\"]\nmod tests;").len(),
        0
    );
    assert_eq!(named_by("pub use crate::c::Choice;").len(), 0);
    assert_eq!(
        named_by("use std::fmt; use rand::{self, Rng}; fn f() { fmt::Error }").len(),
        0
    );
    // The code behind it counts.
    assert_eq!(
        named_by("fn f<'a>(c: char) { c == '\\''; } use crate::c::Choice;"),
        ["c.rs"]
    );
}

#[test]
#[should_panic(expected = "where is")]
fn a_path_that_leads_nowhere_is_an_error() {
    named_by("use crate::c::Missing;");
}

#[test]
fn a_circle_is_found() {
    let graph = graph(&[
        ("lib.rs", "mod a; mod b; mod c; mod out;"),
        ("a.rs", "use crate::b::b; pub fn a() {}"),
        ("b.rs", "pub fn b() { super::c::c() }"),
        ("c.rs", "use super::{a}; pub fn c() { a::a() }"),
        ("out.rs", "use crate::a::a;"),
    ]);
    assert_eq!(graph.circles(), [["a.rs", "b.rs", "c.rs"]]);
}

#[test]
fn a_parent_and_its_child_are_a_circle() {
    let front = |parent| {
        let child = "use super::Front; pub struct Child(Front);";
        let files = [
            ("lib.rs", "mod p;"),
            ("p/mod.rs", parent),
            ("p/child.rs", child),
        ];
        graph(&files).circles().len()
    };
    assert_eq!(
        front("mod child; pub use child::Child; pub struct Front;"),
        0
    );
    assert_eq!(
        front("mod child; use child::Child; pub struct Front(Child);"),
        1
    );
    assert_eq!(
        front("mod child; pub use child::Child; pub struct Front(Child);"),
        1
    );
    assert_eq!(front("mod child; pub struct Front(child::Child);"), 1);
}

#[test]
fn each_variant_of_a_module_is_looked_at() {
    let graph = graph(&[
        ("lib.rs", "mod sys; mod user;"),
        (
            "sys/mod.rs",
            "#[path = \"one/mod.rs\"] mod os; #[path = \"two.rs\"] pub mod os; pub use os::now;",
        ),
        ("sys/one/mod.rs", "mod inner; pub use inner::now;"),
        ("sys/one/inner.rs", "pub fn now() {}"),
        ("sys/two.rs", "pub fn now() { super::super::user::user() }"),
        ("user.rs", "pub fn user() { crate::sys::now() }"),
    ]);
    let named: Vec<&String> = graph.named_by("user.rs").keys().collect();
    assert_eq!(named, ["sys/one/inner.rs", "sys/two.rs"]);
    assert_eq!(graph.circles(), [["sys/two.rs", "user.rs"]]);
}

#[test]
fn a_row_that_names_one_below_is_found() {
    let graph = graph(&[
        ("lib.rs", "mod client;"),
        (
            "client/mod.rs",
            "mod state; mod driver; mod error; mod odd; pub use driver::Driver;",
        ),
        (
            "client/state/mod.rs",
            "use crate::client::{error::Error, Driver};",
        ),
        (
            "client/driver/mod.rs",
            "use super::error::Error; pub struct Driver;",
        ),
        ("client/error.rs", "pub struct Error;"),
        ("client/odd.rs", ""),
    ]);
    let expected = [
        "client/odd.rs is in no row",
        "client/state/mod.rs names crate::client::Driver of client/driver/mod.rs",
    ];
    assert_eq!(faults_of_rows(&graph), expected);
}

#[test]
fn a_call_of_the_program_is_found() {
    let calls = |text| call_of_program(text).is_some();
    assert!(calls(
        "unlocked(state, || callback(client, userdata, event));"
    ));
    assert!(calls("if x { (self.callbacks.message)(client) }"));
    assert!(calls("let call = it; call(client, userdata, event)"));
    assert!(!calls(
        "fn callback(&self) { self.callback(); self.x(callback); f(g()) }"
    ));
    assert!(!calls(
        "// callback(client, userdata, event)\n set(callback, userdata)"
    ));
}
