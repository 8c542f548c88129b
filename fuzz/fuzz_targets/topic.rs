//! A filter and a name, separated by a line feed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pmqtt::codec::topic::{self, check_filter};

fn check_name(name: &str) -> Result<(), &'static str> {
    topic::check_name(name.as_bytes())
}

fn matches(filter: &str, name: &str) -> bool {
    topic::matches(filter, name.as_bytes())
}

fuzz_target!(|text: &str| {
    let (filter, name) = text.split_once('\n').unwrap_or((text, text));
    let matched = matches(filter, name);
    if check_filter(filter).is_err() || check_name(name).is_err() {
        return;
    }
    if check_name(filter).is_ok() && !filter.starts_with("$share/") {
        assert_eq!(matched, filter == name);
    }
    assert!(matches(name, name));
    assert_eq!(matches("#", name), !name.starts_with('$'));
    if !filter.ends_with('#') {
        let deeper = format!("{name}/x");
        assert_eq!(matches(&format!("{filter}/x"), &deeper), matched);
        assert!(!(matched && matches(filter, &deeper)));
    }
});
