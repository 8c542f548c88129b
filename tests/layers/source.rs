//! One source file: what it defines, declares, imports and names. It parses only as much of Rust as
//! that needs.

/// The names in one file. A path is a list of segments.
#[derive(Default)]
pub struct Source {
    pub items: Vec<String>,
    pub modules: Vec<Module>,
    pub imports: Vec<Import>,
    /// Paths outside of `use`.
    pub paths: Vec<Vec<String>>,
    /// Words outside of `use` that stand alone: no segments, fields or methods.
    pub words: Vec<String>,
}

/// `mod name;`
pub struct Module {
    pub name: String,
    /// The value of `#[path = ..]`.
    pub path: Option<String>,
}

/// One name of a `use`. The name of a glob is `*`, and its path ends before that.
pub struct Import {
    pub path: Vec<String>,
    pub name: String,
    pub is_reexport: bool,
}

const TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

impl Source {
    /// Parses a file. Code under `#[cfg(test)]` does not count.
    pub fn parse(text: &str) -> Source {
        let tokens = without_tests(&tokens(text));
        let mut source = Source::default();
        let mut depth = 0;
        let mut at = 0;
        while at < tokens.len() {
            let before = at.checked_sub(1).map_or("", |before| tokens[before]);
            match &tokens[at..] {
                ["{" | "(" | "[", ..] => depth += 1,
                ["}" | ")" | "]", ..] => depth -= 1,
                // `use<'a>` is part of a type.
                ["use", next, ..] if *next != "<" => {
                    let length = tokens[at..].iter().position(|&token| token == ";");
                    let end = at + length.expect("a use ends");
                    let is_reexport = matches!(before, "pub" | ")");
                    source.import(&tokens[at + 1..end], &[], is_reexport);
                    at = end;
                }
                ["mod", name, end, ..] => {
                    assert_eq!(*end, ";", "mod {name} is to have a file of its own");
                    source.modules.push(Module {
                        name: name.to_string(),
                        path: path_attribute(&tokens[..at]),
                    });
                }
                [
                    "fn" | "struct" | "enum" | "union" | "trait" | "type" | "const",
                    name,
                    ..,
                ]
                | ["static", "mut", name, ..]
                | ["static", name, ..]
                | ["macro_rules", "!", name, ..]
                    if depth == 0 =>
                {
                    source.items.push(name.to_string());
                }
                [word, next, ..] if is_word(word) && !matches!(before, "::" | "." | "mod") => {
                    match *next == "::" {
                        true => source.paths.push(path(&tokens[at..])),
                        false => source.words.push(word.to_string()),
                    }
                }
                _ => {}
            }
            at += 1;
        }
        source
    }

    /// Adds the names of a tree of `use`, without its `use` and its `;`.
    fn import(&mut self, tree: &[&str], prefix: &[String], is_reexport: bool) {
        let group = tree.iter().position(|&token| token == "{");
        let (before, group) = tree.split_at(group.unwrap_or(tree.len()));
        let mut path = [prefix, &path(before)].concat();
        if let [_, inner @ .., _] = group {
            for part in parts(inner) {
                self.import(part, &path, is_reexport);
            }
            return;
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name = match tree {
            [.., "as", name] => name.to_string(),
            [.., "*"] => "*".to_owned(),
            _ => path.last().cloned().unwrap_or_default(),
        };
        self.imports.push(Import {
            path,
            name,
            is_reexport,
        });
    }
}

/// The words, `::`, strings and other tokens of a source, without its comments and lifetimes.
pub fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
        let (length, counts) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (rest.find("*/").expect("a comment ends") + 2, false)
        } else if let Some(length) = string(rest) {
            (length, true)
        } else if first == '\'' {
            (character(rest), false)
        } else if rest.starts_with("::") {
            (2, true)
        } else if word > 0 {
            (word, true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        if counts {
            tokens.push(&rest[..length]);
        }
        rest = &rest[length..];
    }
    tokens
}

/// The length of the string that `text` begins with: "..", b"..", c"..", r#".."# and such.
fn string(text: &str) -> Option<usize> {
    let hashed = text.trim_start_matches(['b', 'c', 'r']);
    let quoted = hashed.trim_start_matches('#');
    let inner = quoted.strip_prefix('"')?;
    let hashes = hashed.len() - quoted.len();
    let start = text.len() - inner.len();
    if text[..start].contains('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(start + inner.find(&end).expect("a string ends") + end.len());
    }
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    (hashes == 0).then(|| start + end.expect("a string ends") + 1)
}

/// The length of the character or of the lifetime that `text` begins with.
fn character(text: &str) -> usize {
    if text.starts_with("'\\") {
        return 3 + text[3..].find('\'').expect("a character ends") + 1;
    }
    let second = text[1..].chars().next().map_or(0, char::len_utf8);
    match text[1 + second..].starts_with('\'') {
        true => 2 + second,
        false => 1,
    }
}

fn without_tests<'a>(tokens: &[&'a str]) -> Vec<&'a str> {
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let [first, others @ ..] = rest {
        rest = match rest.strip_prefix(&TEST) {
            Some(item) => &item[length_of_item(item)..],
            None => {
                kept.push(*first);
                others
            }
        };
    }
    kept
}

/// The length up to the `;` or block at its end.
fn length_of_item(tokens: &[&str]) -> usize {
    let mut depth = 0;
    let end = tokens.iter().position(|token| {
        match *token {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        depth == 0 && matches!(*token, ";" | "}")
    });
    end.map_or(tokens.len(), |end| end + 1)
}

/// Splits at the commas that are in no group.
fn parts<'a, 'b>(tokens: &'a [&'b str]) -> impl Iterator<Item = &'a [&'b str]> {
    let mut depth = 0;
    let parts = tokens.split(move |token| {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        depth == 0 && *token == ","
    });
    parts.filter(|part| !part.is_empty())
}

/// The segments of the path at the front of the tokens.
fn path(tokens: &[&str]) -> Vec<String> {
    let mut path = Vec::new();
    let mut rest = tokens;
    while let [word, after @ ..] = rest
        && is_word(word)
    {
        path.push(word.to_string());
        rest = after.strip_prefix(&["::"]).unwrap_or_default();
    }
    path
}

/// The value of `#[path = ".."]` before a `mod`.
fn path_attribute(before: &[&str]) -> Option<String> {
    let before = before.strip_suffix(&["pub"]).unwrap_or(before);
    match before {
        [.., "#", "[", "path", "=", path, "]"] => Some(path.trim_matches('"').to_owned()),
        _ => None,
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(is_of_word)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
