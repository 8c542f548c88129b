//! Checks docs/mqtt5-conformance.md: it lists each statement of MQTT 5 once, and the tests that it
//! names exist.

use std::path::{Path, PathBuf};

const PAGE: &str = "docs/mqtt5-conformance.md";

/// The statements that Appendix B of MQTT 5 lists.
const STATEMENTS: usize = 251;

/// The statements that bind a client and have no test yet.
const WITHOUT_TEST: usize = 4;

#[test]
fn each_statement_is_listed_once_and_in_order() {
    let page = page();
    let tables = Tables::new(&page);
    let faults = tables.faults_of_numbers();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(tables.client.len() + tables.broker.len(), STATEMENTS);
}

#[test]
fn each_test_that_it_names_exists() {
    let faults = Tables::new(&page()).faults_of_tests();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_statements_without_a_test_are_counted() {
    let without = Tables::new(&page()).without_test();
    assert_eq!(without, WITHOUT_TEST, "WITHOUT_TEST is not current");
}

#[test]
fn each_statement_that_a_source_names_is_listed() {
    let page = page();
    let files = files_below(Path::new("src"));
    let texts = files
        .iter()
        .map(|file| (file, std::fs::read_to_string(file).expect("text")));
    let faults: Vec<String> = texts
        .flat_map(|(file, text)| {
            let unlisted = unlisted(&text, &page);
            unlisted
                .into_iter()
                .map(move |it| format!("{}: {it}", file.display()))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The statements of MQTT 5 that a text names and no row of the page has. A mark without `-` names a section.
fn unlisted(text: &str, page: &str) -> Vec<String> {
    let behind = text.split("[MQTT5-").skip(1);
    let marks = behind.filter_map(|behind| Some(behind.split_once(']')?.0));
    let numbers = marks.filter(|mark| mark.contains('-'));
    let names = numbers.map(|number| format!("[MQTT5-{number}]"));
    names
        .filter(|name| !page.contains(&format!("| {name} |")))
        .collect()
}

fn page() -> String {
    std::fs::read_to_string(PAGE).expect("the page")
}

struct Tables<'a> {
    /// Statement, demand and tests.
    client: Vec<[&'a str; 3]>,
    /// Statement and reason.
    broker: Vec<[&'a str; 2]>,
}

impl<'a> Tables<'a> {
    fn new(page: &'a str) -> Tables<'a> {
        let blocks = page.split("\n\n");
        let tables = blocks.filter(|block| block.starts_with("| statement |"));
        let [client, broker] = tables.collect::<Vec<_>>()[..] else {
            panic!("there are not two tables of statements");
        };
        Tables {
            client: rows(client),
            broker: rows(broker),
        }
    }

    /// Neighbours that are not in order, and neighbours in a section that are not one apart.
    fn faults_of_numbers(&self) -> Vec<String> {
        let client: Vec<Number> = self.client.iter().map(|row| number(row[0])).collect();
        let broker: Vec<Number> = self.broker.iter().map(|row| number(row[0])).collect();
        let mut all = [&client[..], &broker[..]].concat();
        all.sort();
        let unordered = client.windows(2).chain(broker.windows(2));
        let unordered = unordered.filter(|pair| pair[0] > pair[1]);
        let apart = all.windows(2).filter(|pair| {
            let ([section @ .., n], [next_section @ .., next]) = (pair[0], pair[1]);
            section == next_section && next != n + 1
        });
        let faults = unordered.chain(apart);
        faults
            .map(|pair| format!("{} precedes {}", named(pair[0]), named(pair[1])))
            .collect()
    }

    fn faults_of_tests(&self) -> Vec<String> {
        let tested = self.client.iter().filter(|[.., tests]| *tests != "-");
        let named = tested.flat_map(|[statement, _, tests]| {
            tests.split(',').map(move |test| (statement, test.trim()))
        });
        named
            .filter_map(|(statement, test)| {
                let fault = fault_of_test(test)?;
                Some(format!("{statement}: {test} {fault}"))
            })
            .collect()
    }

    fn without_test(&self) -> usize {
        let tests = self.client.iter().map(|[.., tests]| tests);
        tests.filter(|tests| **tests == "-").count()
    }
}

/// The cells of a table below its two lines of head.
fn rows<const CELLS: usize>(table: &str) -> Vec<[&str; CELLS]> {
    let rows = table.trim_end().lines().skip(2);
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let cells = cells.try_into();
        cells.unwrap_or_else(|_| panic!("{row:?} does not have {CELLS} cells"))
    })
    .collect()
}

/// The section and the number in it.
type Number = [u32; 4];

fn number(statement: &str) -> Number {
    let digits = statement.split(|c: char| !c.is_ascii_digit());
    let parts: Vec<u32> = digits.filter_map(|part| part.parse().ok()).collect();
    match parts[..] {
        [5, ref number @ ..] => number.try_into().ok(),
        _ => None,
    }
    .filter(|number| named(*number) == statement)
    .unwrap_or_else(|| panic!("{statement:?} is not the number of a statement"))
}

fn named([chapter, section, part, n]: Number) -> String {
    format!("[MQTT5-{chapter}.{section}.{part}-{n}]")
}

fn fault_of_test(test: &str) -> Option<&'static str> {
    let name = test.strip_prefix('`').and_then(|it| it.strip_suffix('`'));
    let Some((file, function)) = name.and_then(|name| name.rsplit_once("::")) else {
        return Some("is not `file::function`");
    };
    let file = Path::new(file);
    let extension = file.extension().unwrap_or_default().to_str();
    let exists = match extension.unwrap_or_default() {
        "rs" => with_modules(file).iter().any(|file| {
            let text = std::fs::read_to_string(file);
            has_test(&text.unwrap_or_default(), function)
        }),
        "c" | "cpp" | "go" => {
            let text = std::fs::read_to_string(file);
            has_word(&text.unwrap_or_default(), function)
        }
        _ => return Some("is in no file of Rust, C, C++ or Go"),
    };
    (!exists).then_some("does not exist")
}

/// Whether a source of Rust has this function, with `#[test]` among the attributes above it.
fn has_test(text: &str, function: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let head = format!("fn {function}(");
    let mut places = (0..lines.len()).filter(|&at| lines[at].starts_with(&head));
    places.any(|at| {
        let above = lines[..at].iter().rev();
        let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        above.any(|line| *line == "#[test]")
    })
}

/// Whether a source of another language has this word outside its comments.
fn has_word(text: &str, word: &str) -> bool {
    let is_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let code = text.lines().filter_map(|line| line.split("//").next());
    let mut words = code.flat_map(|code| code.split(|c| !is_of_word(c)));
    !word.is_empty() && words.any(|it| it == word)
}

/// A source of Rust and those of its modules.
fn with_modules(file: &Path) -> Vec<PathBuf> {
    let modules = match file.ends_with("main.rs") || file.ends_with("mod.rs") {
        true => file.with_file_name(""),
        false => file.with_extension(""),
    };
    let mut files = vec![file.to_owned()];
    if file.exists() && modules.is_dir() {
        files.extend(files_below(&modules));
    }
    files
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

/// What the checks find in small pages.
mod planted {
    use super::*;

    /// A page whose tables have these rows.
    fn page(client: &[&str], broker: &[&str]) -> String {
        let table = |head, rows: &[&str]| format!("{head}\n|-|\n{}\n", rows.join("\n"));
        let client = table("| statement | demand | test |", client);
        let broker = table("| statement | reason |", broker);
        format!("# Page\n\n{client}\n## Others\n\n{broker}")
    }

    fn faults_of_tests(tests: &str) -> Vec<String> {
        let row = format!("| [MQTT5-1.5.4-1] | demand | {tests} |");
        Tables::new(&page(&[&row], &[])).faults_of_tests()
    }

    #[test]
    fn numbers_in_order_have_no_fault() {
        let client = [
            "| [MQTT5-2.2.1-2] | demand | - |",
            "| [MQTT5-3.1.2-9] | demand | - |",
            "| [MQTT5-3.1.2-11] | demand | - |",
            "| [MQTT5-3.10.0-1] | demand | - |",
        ];
        let broker = ["| [MQTT5-3.1.2-10] | reason |"];
        let page = page(&client, &broker);
        let tables = Tables::new(&page);
        assert_eq!(tables.faults_of_numbers(), [""; 0]);
        assert_eq!((tables.client.len(), tables.broker.len()), (4, 1));
    }

    #[test]
    fn a_wrong_order_a_double_number_and_a_gap_are_found() {
        let client = [
            "| [MQTT5-3.1.2-10] | demand | - |",
            "| [MQTT5-3.1.2-9] | demand | - |",
            "| [MQTT5-3.2.2-4] | demand | - |",
        ];
        let broker = [
            "| [MQTT5-3.1.2-9] | reason |",
            "| [MQTT5-3.2.2-6] | reason |",
        ];
        let expected = [
            "[MQTT5-3.1.2-10] precedes [MQTT5-3.1.2-9]",
            "[MQTT5-3.1.2-9] precedes [MQTT5-3.1.2-9]",
            "[MQTT5-3.2.2-4] precedes [MQTT5-3.2.2-6]",
        ];
        let page = page(&client, &broker);
        assert_eq!(Tables::new(&page).faults_of_numbers(), expected);
    }

    #[test]
    #[should_panic(expected = "is not the number of a statement")]
    fn the_number_of_another_version_is_found() {
        let page = page(&["| [MQTT-3.1.2-9] | demand | - |"], &[]);
        Tables::new(&page).faults_of_numbers();
    }

    #[test]
    #[should_panic(expected = "does not have 3 cells")]
    fn a_row_without_its_last_cell_is_found() {
        Tables::new(&page(&["| [MQTT5-3.1.2-9] | demand |"], &[]));
    }

    #[test]
    #[should_panic(expected = "there are not two tables")]
    fn a_table_that_is_gone_is_found() {
        Tables::new("| statement | demand | test |\n|-|\n");
    }

    #[test]
    fn tests_that_exist_have_no_fault() {
        let tests = [
            "`tests/conformance.rs::tests_that_exist_have_no_fault`",
            "`tests/conformance.rs::a_table_that_is_gone_is_found`",
            "`tests/layers/main.rs::a_circle_is_found`",
            "`tests/layers/planted.rs::a_circle_is_found`",
            "`tests-c/resume.c::stage_kill_broker`",
            "`bindings/go/close_test.go::TestCloseUnderLoad`",
        ];
        assert_eq!(faults_of_tests(&tests.join(", ")), [""; 0]);
        assert_eq!(faults_of_tests("-"), [""; 0]);
    }

    #[test]
    fn tests_that_do_not_exist_are_found() {
        let missing =
            |test| faults_of_tests(test) == [format!("[MQTT5-1.5.4-1]: {test} does not exist")];
        assert!(missing("`tests/conformance.rs::nothing`"));
        assert!(missing("`tests/nowhere.rs::a_circle_is_found`"));
        assert!(missing("`tests/layers/nowhere/main.rs::a_circle_is_found`"));
        assert!(missing("`tests/layers/source.rs::a_circle_is_found`"));
        assert!(missing("`tests-c/resume.c::stage_kill`"));
        assert!(missing("`tests-c/resume.c::`"));
        // A function that is no test.
        assert!(missing("`tests/conformance.rs::files_below`"));
    }

    #[test]
    fn what_names_no_test_is_found() {
        let faults = |tests| faults_of_tests(tests).len();
        assert_eq!(faults(""), 1);
        assert_eq!(faults("later"), 1);
        assert_eq!(faults("tests/layers/planted.rs::a_circle_is_found"), 1);
        assert_eq!(faults("`a_circle_is_found`"), 1);
        assert_eq!(faults("`docs/mqtt5-conformance.md::MQTT5`"), 1);
        assert_eq!(faults("-, `tests/layers/planted.rs::a_circle_is_found`"), 1);
    }

    #[test]
    fn a_test_has_its_attribute_directly_above() {
        assert!(has_test("#[test]\nfn a() {}", "a"));
        assert!(has_test(
            "    #[test]\n    #[should_panic]\n    // Why.\n    fn a() {}",
            "a"
        ));
        assert!(!has_test("fn a() {}", "a"));
        assert!(!has_test("#[test]\nfn b() {}\nfn a() {}", "a"));
        assert!(!has_test("// #[test]\n// fn a() {}", "a"));
        assert!(!has_test("// #[test]\nfn a() {}", "a"));
        assert!(!has_test("#[test]\nfn ab() {}", "a"));
    }

    #[test]
    fn a_statement_that_no_row_has_is_found() {
        let page = page(
            &["| [MQTT5-3.1.2-9] | demand | - |"],
            &["| [MQTT5-3.1.2-10] | reason |"],
        );
        let text = "Why [MQTT5-3.1.2-9], [MQTT5-3.1.2-1] and [MQTT311-3.1.2-2]. [MQTT5-3.1] [MQTT5-3.1.2-10]";
        assert_eq!(unlisted(text, &page), ["[MQTT5-3.1.2-1]"]);
    }

    #[test]
    fn rows_without_a_test_are_counted() {
        let client = [
            "| [MQTT5-1.5.4-1] | demand | - |",
            "| [MQTT5-1.5.4-2] | demand | `a.rs::a` |",
            "| [MQTT5-1.5.4-3] | demand | - |",
        ];
        assert_eq!(Tables::new(&page(&client, &[])).without_test(), 2);
    }
}
