//! The interfaces of this machine.

use std::ffi::CString;
use std::io;

/// The number of the interface whose name or number is `zone`.
pub fn interface_index(zone: &str) -> io::Result<u32> {
    let index = index_of(zone).or_else(|| zone.parse().ok().filter(|index| is_index(*index)));
    index.ok_or_else(|| {
        let text = format!("there is no interface {zone}");
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}

fn index_of(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` is NUL-terminated and lives through the call.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

fn is_index(index: u32) -> bool {
    let mut name = [0; libc::IF_NAMESIZE];
    // SAFETY: `name` lives through the call, and has room for the longest name and its NUL.
    !unsafe { libc::if_indextoname(index, name.as_mut_ptr()) }.is_null()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_has_a_name_and_a_number() {
        let name = if cfg!(target_os = "linux") {
            "lo"
        } else {
            "lo0"
        };
        let index = interface_index(name).unwrap();
        assert_eq!(interface_index(&index.to_string()).unwrap(), index);
    }

    #[test]
    fn what_is_no_interface_is_named() {
        for zone in [
            "",
            "0",
            "4000000000",
            "99999999999",
            "-1",
            "no\0",
            "nowhere",
            "a/b",
        ] {
            let error = interface_index(zone).unwrap_err();
            assert_eq!(error.to_string(), format!("there is no interface {zone}"));
        }
    }
}
