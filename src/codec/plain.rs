//! Checks bytes that are nearly always plain ASCII, eight at a time.

use super::MAX_STRING;

/// Whether a text that has a legal length, except 0, has no remarkable byte. `remarkable` returns 0 for eight bytes of
/// which none is; `-` is not.
#[inline(always)]
pub fn is_plain(bytes: &[u8], remarkable: impl Fn([u8; 8]) -> u64) -> bool {
    let Some(first) = bytes.first_chunk() else {
        return is_plain_and_short(bytes, remarkable);
    };
    // These two may overlap. To read some bytes twice costs less than to read some one by one.
    let last = bytes.last_chunk().unwrap_or(first);
    let ends = remarkable(*first) | remarkable(*last);
    ends == 0 && (bytes.len() <= 16 || is_plain_inside(bytes, remarkable))
}

/// `is_plain` for the last `length` of these bytes, also for none. A short text is read with bytes before it.
#[inline(always)]
pub fn is_end_plain(bytes: &[u8], length: usize, remarkable: impl Fn([u8; 8]) -> u64) -> bool {
    match bytes.last_chunk() {
        _ if length == 0 => true,
        Some(last) if length < 8 => {
            let text = u64::from_le_bytes(*last) >> (64 - 8 * length);
            remarkable((text | LOW << (8 * length)).to_le_bytes()) == 0
        }
        _ => is_plain(&bytes[bytes.len() - length..], remarkable),
    }
}

/// The same for all but the last eight bytes.
#[inline(never)]
fn is_plain_inside(bytes: &[u8], remarkable: impl Fn([u8; 8]) -> u64) -> bool {
    let (words, _) = bytes.as_chunks();
    let found = |found, word: &[u8; 8]| found | remarkable(*word);
    bytes.len() <= MAX_STRING && words.iter().fold(0, found) == 0
}

/// The same for fewer than eight bytes, out of the way of longer ones.
#[inline(never)]
fn is_plain_and_short(bytes: &[u8], remarkable: impl Fn([u8; 8]) -> u64) -> bool {
    !bytes.is_empty() && remarkable(spread(bytes)) == 0
}

/// All of fewer than eight bytes, some of them twice.
#[inline(always)]
fn spread(bytes: &[u8]) -> [u8; 8] {
    let mut spread = *b"--------";
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>(), bytes) {
        (Some(first), Some(last), _) => {
            spread[..4].copy_from_slice(first);
            spread[4..].copy_from_slice(last);
        }
        (_, _, [first, .., last]) => spread[..3].copy_from_slice(&[*first, bytes[1], *last]),
        (_, _, [only]) => spread[0] = *only,
        _ => (),
    }
    spread
}

/// Not 0 if one of the eight bytes is NUL or not ASCII.
#[inline(always)]
pub fn zero_or_not_ascii(bytes: [u8; 8]) -> u64 {
    let word = u64::from_le_bytes(bytes);
    (zeros(word) | word) & HIGH
}

/// Sets the highest bit of the lowest byte that is 0. If no byte is 0, it sets no highest bit.
#[inline(always)]
pub fn zeros(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

pub const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_bytes_is_looked_at_alone() {
        for before in 0..12 {
            for length in 0..20 {
                let mut bytes = vec![0xff; before + length];
                for byte in [0, 1, b'a', 0x7f, 0x80, 0xff] {
                    bytes[before..].fill(b'a');
                    let is_end_plain =
                        |bytes: &[u8]| is_end_plain(bytes, length, zero_or_not_ascii);
                    assert!(is_end_plain(&bytes), "{before} {length}");
                    for place in before..before + length {
                        bytes[place] = byte;
                        let expected = byte != 0 && byte.is_ascii();
                        assert_eq!(is_end_plain(&bytes), expected, "{before} {length} {place}");
                        bytes[place] = b'a';
                    }
                }
            }
        }
    }

    #[test]
    fn each_byte_at_each_place_is_looked_at() {
        for length in 0..40 {
            let mut text = vec![b'a'; length];
            assert_eq!(is_plain(&text, zero_or_not_ascii), length > 0, "{length}");
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    text[place] = byte;
                    let expected = byte != 0 && byte.is_ascii();
                    assert_eq!(
                        is_plain(&text, zero_or_not_ascii),
                        expected,
                        "{length} {place} {byte}"
                    );
                }
                text[place] = b'a';
            }
        }
    }
}
