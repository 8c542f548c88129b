//! Structures that begin with `struct_size` and grow at their tail, so that a program and a
//! library of different versions fit together. Only this file reads and fills them.
//!
//! A new field begins where the previous version ends, never in its padding. The content of the
//! padding of an older program is unknown.

use std::mem::MaybeUninit;

use crate::client::{Code, Error, Result};

/// No version is larger: a program that has forgotten to set `struct_size` is told, and nothing behind the
/// structure is read.
pub(super) const LARGEST: usize = 4096;

/// # Safety
/// It is `repr(C)`, `struct_size: usize` is its first field, all bytes 0 are a value of it, and it has no more
/// than `LARGEST` bytes.
pub(super) unsafe trait Growing: Copy {
    /// The size of the first version.
    const FLOOR: usize;
}

/// Copies a structure of the program's. What its version does not have is 0.
///
/// # Safety
/// `pointer` points to a size_t, and to as many bytes as that says.
pub(super) unsafe fn read<T: Growing>(pointer: *const T, what: &str) -> Result<T> {
    // SAFETY: the caller's promise is the same.
    unsafe { copy(pointer, checked_size(pointer, what)?, what) }
}

/// Copies the elements of an array, one after the other. The first one's size is the stride.
///
/// # Safety
/// `first` is NULL or points to `count` structures, each as for `read`, which live as long as the result.
pub(super) unsafe fn read_all<T: Growing>(
    first: *const T,
    count: usize,
    what: &str,
) -> Result<impl Iterator<Item = Result<T>>> {
    let stride = match count {
        0 => 0,
        _ if first.is_null() => return Err(Error::inval(format!("{what} is NULL"))),
        // SAFETY: there is at least one, by the caller's promise.
        _ => unsafe { checked_size(first, what) }?,
    };
    if stride > 0 && count > isize::MAX as usize / stride {
        return Err(Error::inval(format!("{what} has too many entries")));
    }
    Ok((0..count).map(move |index| {
        let element = first.wrapping_byte_add(index * stride);
        // SAFETY: it is one of `count` by the caller's promise, and aligned because the stride is.
        if unsafe { element.cast::<usize>().read() } != stride {
            let text = format!("{what}: struct_size differs from the first one's");
            return Err(Error::inval(text));
        }
        // SAFETY: as above; it has `stride` bytes.
        unsafe { copy(element, stride, what) }
    }))
}

/// Fills a structure of the program's. What this version does not have is 0.
///
/// # Safety
/// `out` is NULL, or as for `read` and may be written.
pub(super) unsafe fn fill<T: Growing>(out: *mut T, mut value: T, what: &str) -> Result {
    if out.is_null() {
        return Err(Error::inval(format!("{what}: out is NULL")));
    }
    // SAFETY: `out` has `size` bytes by the caller's promise, and the value's first field is its size.
    unsafe {
        let size = checked_size(out, what)?;
        (&raw mut value).cast::<usize>().write(size);
        let known = size.min(size_of::<T>());
        let out = out.cast::<u8>();
        out.copy_from_nonoverlapping((&raw const value).cast(), known);
        out.add(known).write_bytes(0, size - known);
    }
    Ok(())
}

/// # Safety
/// `pointer` points to a size_t.
unsafe fn checked_size<T: Growing>(pointer: *const T, what: &str) -> Result<usize> {
    // SAFETY: the caller's promise is the same.
    let size = unsafe { pointer.cast::<usize>().read() };
    if size < T::FLOOR {
        return Err(Error::inval(format!("{what}: struct_size is too small")));
    }
    if size > LARGEST || !size.is_multiple_of(align_of::<T>()) {
        let text = format!("{what}: struct_size {size} is that of no version");
        return Err(Error::inval(text));
    }
    Ok(size)
}

/// # Safety
/// `pointer` points to `size` bytes.
unsafe fn copy<T: Growing>(pointer: *const T, size: usize, what: &str) -> Result<T> {
    let known = size.min(size_of::<T>());
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: there are `size` bytes by the caller's promise. The remaining bytes are 0, which is
    // a valid value.
    let (value, unknown) = unsafe {
        let from = pointer.cast::<u8>();
        from.copy_to_nonoverlapping(value.as_mut_ptr().cast(), known);
        let unknown = std::slice::from_raw_parts(from.add(known), size - known);
        (value.assume_init(), unknown)
    };
    if unknown.iter().any(|&byte| byte != 0) {
        let text = format!("{what}: a field is set that only a later version of the library knows");
        return Err(Error::new(Code::NotSupported, text));
    }
    Ok(value)
}
