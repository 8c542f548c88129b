//! The system's DNS, for queries that getaddrinfo cannot make.

use std::ffi::CString;
use std::io;
use std::ptr;

/// The maximum of a DNS message over TCP: no answer is longer.
const ANSWER: usize = 65_535;

/// The maximum of a query: a header, a name, a type and a class.
const QUESTION: usize = 12 + 255 + 4;

const OP_QUERY: libc::c_int = 0;
const CLASS_IN: libc::c_int = 1;
const TYPE_SRV: libc::c_int = 33;

// resolv.h may rename these functions; these are the names in the library.
#[cfg_attr(target_vendor = "apple", link(name = "resolv"))]
unsafe extern "C" {
    #[cfg_attr(target_vendor = "apple", link_name = "res_9_mkquery")]
    #[cfg_attr(target_os = "freebsd", link_name = "__res_mkquery")]
    fn res_mkquery(
        operation: libc::c_int,
        name: *const libc::c_char,
        class: libc::c_int,
        kind: libc::c_int,
        data: *const u8,
        data_len: libc::c_int,
        newrr: *const u8,
        question: *mut u8,
        question_len: libc::c_int,
    ) -> libc::c_int;

    #[cfg_attr(target_vendor = "apple", link_name = "res_9_send")]
    #[cfg_attr(target_os = "freebsd", link_name = "__res_send")]
    fn res_send(
        question: *const u8,
        question_len: libc::c_int,
        answer: *mut u8,
        answer_len: libc::c_int,
    ) -> libc::c_int;
}

/// The answer of the system's name servers about the SRV records of `name`: the whole message,
/// unchanged. It blocks, for as long as the system's settings say.
pub fn look_up_srv(name: &str) -> io::Result<Vec<u8>> {
    let question = question(name)?;
    let mut answer = vec![0; ANSWER];
    // SAFETY: both buffers live through the call and have the lengths that it is given; `question` is
    // only read. The library keeps its own state for each thread.
    let length = unsafe {
        res_send(
            question.as_ptr(),
            question.len() as libc::c_int,
            answer.as_mut_ptr(),
            answer.len() as libc::c_int,
        )
    };
    let length = super::check(length).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("no name server has an answer: {error}"),
        )
    })?;
    answer.truncate(length as usize);
    Ok(answer)
}

fn question(name: &str) -> io::Result<Vec<u8>> {
    let name = CString::new(name)?;
    let mut question = vec![0; QUESTION];
    // SAFETY: `name` is NUL-terminated, a query has no data, and `question` lives through the call and
    // has the length that it is given.
    let length = unsafe {
        res_mkquery(
            OP_QUERY,
            name.as_ptr(),
            CLASS_IN,
            TYPE_SRV,
            ptr::null(),
            0,
            ptr::null(),
            question.as_mut_ptr(),
            question.len() as libc::c_int,
        )
    };
    let length = usize::try_from(length)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "this is no domain name"))?;
    question.truncate(length);
    Ok(question)
}
