//! Section 4.7: each of its statements and examples, and those of appendix A of 3.1.

use pmqtt::codec::MAX_STRING;
use pmqtt::codec::topic::{self, check_filter};

/// A text, and its error as a name and as a filter; "" if it is valid.
#[rustfmt::skip]
const TEXTS: &[(&str, &str, &str)] = &[
    // 4.7.1.1: a separator may be anywhere, also next to another one.
    ("/", "", ""),
    ("//", "", ""),
    ("/a", "", ""),
    ("a/", "", ""),
    ("a//b", "", ""),
    ("sport/tennis/player1", "", ""),
    // 4.7.1.2: # alone or after a separator, and last.
    ("#", "[MQTT311-3.3.2-2]", ""),
    ("/#", "[MQTT311-3.3.2-2]", ""),
    ("sport/#", "[MQTT311-3.3.2-2]", ""),
    ("sport/tennis/#", "[MQTT311-3.3.2-2]", ""),
    ("sport/tennis/player1/#", "[MQTT311-3.3.2-2]", ""),
    ("sport//#", "[MQTT311-3.3.2-2]", ""),
    ("sport/tennis#", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("sport/tennis/#/ranking", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("#/", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("##", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("#/#", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("#a", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("a/#b", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("+#", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    // 4.7.1.3: + at any level, as the whole level.
    ("+", "[MQTT311-3.3.2-2]", ""),
    ("+/", "[MQTT311-3.3.2-2]", ""),
    ("/+", "[MQTT311-3.3.2-2]", ""),
    ("+/+", "[MQTT311-3.3.2-2]", ""),
    ("+/tennis/#", "[MQTT311-3.3.2-2]", ""),
    ("sport/+/player1", "[MQTT311-3.3.2-2]", ""),
    ("+/#", "[MQTT311-3.3.2-2]", ""),
    ("sport+", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-3]"),
    ("+sport", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-3]"),
    ("++", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-3]"),
    ("sport/+player/1", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-3]"),
    ("sport/player+/#", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-3]"),
    // 4.7.2: $ has a meaning only as the first character, and is allowed everywhere.
    ("$", "", ""),
    ("$SYS/monitor/Clients", "", ""),
    ("a/$b", "", ""),
    ("$SYS/#", "[MQTT311-3.3.2-2]", ""),
    ("$SYS/monitor/+", "[MQTT311-3.3.2-2]", ""),
    // 4.8.2 of MQTT 5: a group without wildcards, and a filter behind it.
    ("$share/group/filter", "", ""),
    ("$share/g/+", "[MQTT311-3.3.2-2]", ""),
    ("$share/g/#", "[MQTT311-3.3.2-2]", ""),
    ("$share/g//", "", ""),
    ("$share/g//x", "", ""),
    ("$share/$share/$share/g/x", "", ""),
    ("$share/g/$SYS/#", "[MQTT311-3.3.2-2]", ""),
    ("$share", "", ""),
    ("$shared/x", "", ""),
    ("$shared/", "", ""),
    ("$SHARE/", "", ""),
    ("a/$share/", "", ""),
    ("$share/", "", "[MQTT5-4.8.2-1]"),
    ("$share//x", "", "[MQTT5-4.8.2-1]"),
    ("$share//", "", "[MQTT5-4.8.2-1]"),
    ("$share/g", "", "[MQTT5-4.8.2-2]"),
    ("$share/g/", "", "[MQTT5-4.8.2-2]"),
    ("$share/g+/x", "[MQTT311-3.3.2-2]", "[MQTT5-4.8.2-2]"),
    ("$share/+/x", "[MQTT311-3.3.2-2]", "[MQTT5-4.8.2-2]"),
    ("$share/#", "[MQTT311-3.3.2-2]", "[MQTT5-4.8.2-2]"),
    ("$share/#/x", "[MQTT311-3.3.2-2]", "[MQTT5-4.8.2-2]"),
    ("$share/g/#/x", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("$share/g/x+", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-3]"),
    // 4.7.3: at least one character, spaces included, and never U+0000.
    ("", "[MQTT311-4.7.3-1]", "[MQTT311-4.7.3-1]"),
    (" ", "", ""),
    ("Accounts payable", "", ""),
    ("\0", "[MQTT311-4.7.3-2]", "[MQTT311-4.7.3-2]"),
    ("a\0", "[MQTT311-4.7.3-2]", "[MQTT311-4.7.3-2]"),
    ("a/\0/b", "[MQTT311-4.7.3-2]", "[MQTT311-4.7.3-2]"),
    ("\0/#", "[MQTT311-4.7.3-2]", "[MQTT311-4.7.3-2]"),
    // 1.5.3: control characters and noncharacters are discouraged, not errors.
    ("\u{1}", "", ""),
    ("\u{7f}\u{9f}", "", ""),
    ("\u{ffff}", "", ""),
    ("\u{feff}", "", ""),
    ("\u{feff}#", "[MQTT311-3.3.2-2]", "[MQTT311-4.7.1-2]"),
    ("\u{10ffff}", "", ""),
    ("é/日本/🦀", "", ""),
    // These look like a wildcard or a separator, and are neither.
    ("＃", "", ""),
    ("a＋", "", ""),
    ("∕", "", ""),
];

#[rustfmt::skip]
const MATCHES: &[(&str, &str, bool)] = &[
    // 4.7.1.1
    ("a/b", "a/b", true),
    ("a/b", "a", false),
    ("a", "a/b", false),
    ("a//b", "a/b", false),
    ("a//b", "a//b", true),
    ("a/+/b", "a//b", true),
    // 4.7.1.2
    ("sport/tennis/player1/#", "sport/tennis/player1", true),
    ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
    ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true),
    ("sport/tennis/player1/#", "sport/tennis/player2", false),
    ("sport/tennis/player1/#", "sport/tennis/player12", false),
    ("sport/tennis/player1/#", "sport/tennis", false),
    ("sport/#", "sport", true),
    ("sport/#", "sport/", true),
    ("sport/#", "sports", false),
    ("sport/#", "/sport", false),
    ("#", "sport", true),
    ("#", "sport/tennis/player1", true),
    ("#", "/", true),
    ("/#", "/", true),
    ("/#", "/sport", true),
    ("/#", "sport", false),
    // 4.7.1.3
    ("sport/tennis/+", "sport/tennis/player1", true),
    ("sport/tennis/+", "sport/tennis/player2", true),
    ("sport/tennis/+", "sport/tennis/player1/ranking", false),
    ("sport/tennis/+", "sport/tennis", false),
    ("sport/+", "sport", false),
    ("sport/+", "sport/", true),
    ("+", "sport", true),
    ("+", "sport/", false),
    ("+/tennis/#", "sport/tennis", true),
    ("+/tennis/#", "sport/tennis/player1/ranking", true),
    ("+/tennis/#", "/tennis", true),
    ("+/tennis/#", "tennis", false),
    ("sport/+/player1", "sport/tennis/player1", true),
    ("sport/+/player1", "sport/tennis/player2", false),
    ("sport/+/player1", "sport/player1", false),
    ("+/+", "/finance", true),
    ("/+", "/finance", true),
    ("+", "/finance", false),
    ("+/+", "/", true),
    ("+/+/+", "a/b", false),
    ("+/#", "a", true),
    ("+/#", "/", true),
    // 4.7.2
    ("#", "$SYS/monitor/Clients", false),
    ("#", "$", false),
    ("+", "$SYS", false),
    ("+/monitor/Clients", "$SYS/monitor/Clients", false),
    ("+/#", "$SYS/monitor/Clients", false),
    ("$SYS/#", "$SYS/monitor/Clients", true),
    ("$SYS/#", "$SYS", true),
    ("$SYS/#", "$SYS/", true),
    ("$SYS/monitor/+", "$SYS/monitor/Clients", true),
    ("$SYS/+/Clients", "$SYS/monitor/Clients", true),
    ("$SYS/monitor/Clients", "$SYS/monitor/Clients", true),
    ("+/$b", "a/$b", true),
    ("a/+", "a/$b", true),
    ("/#", "/$SYS", true),
    // 4.8.2 of MQTT 5: as the filter behind the group.
    ("$share/g/a/b", "a/b", true),
    ("$share/g/a/b", "a", false),
    ("$share/g/a/b", "g/a/b", false),
    ("$share/g/a/+", "a/b", true),
    ("$share/g/+", "a/b", false),
    ("$share/g/#", "a/b", true),
    ("$share/g/a/#", "a", true),
    ("$share/g//x", "/x", true),
    ("$share/g//x", "x", false),
    ("$share/g/#", "$SYS/a", false),
    ("$share/g/+/a", "$SYS/a", false),
    ("$share/g/$SYS/#", "$SYS/a", true),
    ("$share/g/$share/h/x", "$share/h/x", true),
    ("$share/g/$share/h/x", "x", false),
    ("$share", "$share", true),
    ("$shared/x", "$shared/x", true),
    ("$shared/x", "x", false),
    // From a broker that has no shared subscriptions.
    ("$share/g/x", "$share/g/x", true),
    ("$share/g/+", "$share/g/x", true),
    ("$share/g/x", "$share/h/x", false),
    // 4.7.3: character by character, and nothing is normalised [MQTT311-4.7.3-4].
    ("ACCOUNTS", "Accounts", false),
    ("Accounts payable", "Accounts payable", true),
    ("Accounts payable", "Accounts  payable", false),
    ("finance", "finance ", false),
    ("/finance", "finance", false),
    ("finance", "/finance", false),
    ("finance/", "finance", false),
    ("finance", "finance/", false),
    ("/", "/", true),
    ("/", "//", false),
    ("\u{e9}", "e\u{301}", false),
    ("\u{212b}", "\u{c5}", false),
    ("\u{feff}a", "a", false),
    ("\u{feff}a", "\u{feff}a", true),
    ("é/+/🦀", "é/日本/🦀", true),
    // Appendix A of 3.1
    ("finance/stock/ibm/#", "finance/stock/ibm", true),
    ("finance/stock/ibm/#", "finance/stock/ibm/closingprice", true),
    ("finance/stock/+", "finance/stock/xyz", true),
    ("finance/stock/+", "finance/stock/ibm/closingprice", false),
    ("finance/+", "finance/", true),
    ("finance/+", "finance", false),
    ("finance/+/ibm", "finance/stock/ibm", true),
];

fn check_name(name: &str) -> Result<(), &'static str> {
    topic::check_name(name.as_bytes())
}

fn matches(filter: &str, name: &str) -> bool {
    topic::matches(filter, name.as_bytes())
}

fn is(result: Result<(), &'static str>, expected: &str) -> bool {
    let error = result.err().unwrap_or("");
    error.contains(expected) && error.is_empty() == expected.is_empty()
}

#[test]
fn texts_are_names_filters_or_neither() {
    for &(text, as_name, as_filter) in TEXTS {
        let (name, filter) = (check_name(text), check_filter(text));
        assert!(is(name, as_name), "{text:?} as a name: {name:?}");
        assert!(is(filter, as_filter), "{text:?} as a filter: {filter:?}");
    }
}

/// Names are read several bytes at a time.
#[test]
fn what_a_name_must_not_have_is_found_wherever_it_stands() {
    for length in 1..40 {
        assert!(is(check_name(&"x".repeat(length)), ""));
        for place in 0..length {
            let with = |byte| {
                let mut name = vec![b'x'; length];
                name[place] = byte;
                name
            };
            for byte in 0..=u8::MAX {
                let name = with(byte);
                let expected = match byte {
                    0 => "[MQTT311-4.7.3-2]",
                    b'+' | b'#' => "[MQTT311-3.3.2-2]",
                    0x80.. => "[MQTT311-1.5.3-1]",
                    _ => "",
                };
                assert!(
                    is(topic::check_name(&name), expected),
                    "{}",
                    name.escape_ascii()
                );
            }
        }
    }
}

#[test]
fn the_limit_is_65_535_bytes_not_characters() {
    for (text, expected) in [
        ("x".repeat(MAX_STRING), ""),
        ("x".repeat(MAX_STRING + 1), "[MQTT311-4.7.3-3]"),
        ("é".repeat(MAX_STRING / 2), ""),
        ("é".repeat(MAX_STRING / 2 + 1), "[MQTT311-4.7.3-3]"),
    ] {
        assert!(is(check_name(&text), expected), "{} bytes", text.len());
        assert!(is(check_filter(&text), expected), "{} bytes", text.len());
    }
}

#[test]
fn levels_have_no_limit_of_their_own() {
    let name = "/".repeat(MAX_STRING);
    let filter = "+/".repeat(MAX_STRING / 2) + "#";
    assert_eq!((check_name(&name), check_filter(&filter)), (Ok(()), Ok(())));
    assert!(matches(&filter, &name));
    // Each + matches a level; # needs none.
    let levels = MAX_STRING / 2;
    assert!(matches(&filter, &name[..levels - 1]));
    assert!(!matches(&filter, &name[..levels - 2]));
}

#[test]
fn filters_match_as_the_specification_says() {
    for &(filter, name, expected) in MATCHES {
        assert_eq!((check_filter(filter), check_name(name)), (Ok(()), Ok(())));
        assert_eq!(matches(filter, name), expected, "{filter:?} and {name:?}");
    }
}

/// All texts of a few characters, compared with the section's own rules as a recursion.
#[test]
fn short_filters_match_as_the_definition_says() {
    let names = texts("/$a", 4);
    for filter in texts("/+#$a", 4) {
        if check_filter(&filter).is_err() {
            continue;
        }
        for name in &names {
            let hidden = name.starts_with('$') && filter.starts_with(['+', '#']);
            let expected = !hidden && levels_match(&filter, Some(name));
            assert_eq!(matches(&filter, name), expected, "{filter:?} and {name:?}");
        }
    }
}

/// `name` is None behind its last level, where only # still matches.
fn levels_match(filter: &str, name: Option<&str>) -> bool {
    if filter == "#" {
        return true;
    }
    let Some(name) = name else {
        return false;
    };
    let (level, filters) = first_level(filter);
    let (text, names) = first_level(name);
    let same = level == "+" || level == text;
    same && match filters {
        Some(filters) => levels_match(filters, names),
        None => names.is_none(),
    }
}

fn first_level(text: &str) -> (&str, Option<&str>) {
    match text.split_once('/') {
        Some((level, rest)) => (level, Some(rest)),
        None => (text, None),
    }
}

/// Every text of at most `length` of these characters.
fn texts(characters: &str, length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut from = 0;
    for _ in 0..length {
        let to = all.len();
        for at in from..to {
            for character in characters.chars() {
                all.push(format!("{}{character}", all[at]));
            }
        }
        from = to;
    }
    all.split_off(1)
}
