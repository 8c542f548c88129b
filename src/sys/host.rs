//! The name of this machine.

use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// A name may have 255 bytes; its NUL is one more.
const NAME: usize = 256;

/// This machine's name, with its domain if the system knows one. It may ask DNS, and block.
pub fn full_host_name() -> io::Result<String> {
    let name = host_name()?;
    if name.to_bytes().contains(&b'.') {
        return Ok(readable(&name));
    }
    Ok(canonical_name(&name).unwrap_or_else(|| readable(&name)))
}

fn host_name() -> io::Result<CString> {
    let mut buffer = [0u8; NAME];
    // SAFETY: the buffer lives through the call, which writes at most the length that it is given; the
    // last byte stays 0.
    super::check(unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), NAME - 1) })?;
    let name = CStr::from_bytes_until_nul(&buffer).map_err(io::Error::other)?;
    Ok(name.to_owned())
}

/// The first name of a host that the system finds, in /etc/hosts or in DNS.
fn canonical_name(name: &CStr) -> Option<String> {
    // SAFETY: all zeroes is a valid addrinfo: no flags, any family, null pointers.
    let mut hints: libc::addrinfo = unsafe { MaybeUninit::zeroed().assume_init() };
    hints.ai_flags = libc::AI_CANONNAME;
    let mut found = ptr::null_mut();
    // SAFETY: `name` is NUL-terminated, no service is asked for, and `found` may be written.
    if unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &hints, &mut found) } != 0 {
        return None;
    }
    // SAFETY: getaddrinfo has succeeded, so `found` is a list, whose head has the canonical name or
    // NULL. The name is read before the list is freed, once.
    unsafe {
        let canonical = (*found).ai_canonname;
        let name = (!canonical.is_null()).then(|| readable(CStr::from_ptr(canonical)));
        libc::freeaddrinfo(found);
        name
    }
}

fn readable(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}
