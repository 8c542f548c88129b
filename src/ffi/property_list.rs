//! Lists of properties that the program hands in: each is checked, and has nothing in it that the
//! library manages itself.

use super::bytes;
use crate::client::{Error, Result, events};
use crate::codec::property::{self, Place};
use crate::codec::{Properties, next_property};

/// Checks a list for a packet. `what` names the function in an error.
///
/// # Safety
/// The bytes of the list live as long as the result.
#[inline(always)]
pub(super) unsafe fn list<'a>(
    properties: &events::PropertyView,
    place: Place,
    what: &str,
) -> Result<Properties<'a>> {
    match properties.len {
        0 => Ok(Properties::NONE),
        // SAFETY: the caller's promise is the same.
        _ => unsafe { checked(properties, place, what) },
    }
}

/// `list` of a pointer, which may be NULL.
///
/// # Safety
/// `properties` is NULL or points to a list whose bytes live as long as the result.
pub(super) unsafe fn optional_list<'a>(
    properties: *const events::PropertyView,
    place: Place,
    what: &str,
) -> Result<Properties<'a>> {
    // SAFETY: the caller's promise is the same.
    match unsafe { properties.as_ref() } {
        None => Ok(Properties::NONE),
        // SAFETY: the same.
        Some(given) => unsafe { list(given, place, what) },
    }
}

/// # Safety
/// As for `list`.
unsafe fn checked<'a>(
    properties: &events::PropertyView,
    place: Place,
    what: &str,
) -> Result<Properties<'a>> {
    // SAFETY: the caller's promise is the same.
    let bytes = unsafe { bytes(properties.data, properties.len, "the list of properties") };
    let bytes = bytes.map_err(|error| error.in_function(what))?;
    // First, because the codec only knows that some of these belong in another packet.
    let mut rest = bytes;
    while let Some(((id, _), behind)) = next_property(rest) {
        if let Some(who) = manager(id, place) {
            let name = property::property(id).map_or("", |row| row.name());
            let text = format!("{what}: the list must not have the {name}: {who}");
            return Err(Error::inval(text));
        }
        rest = behind;
    }
    Properties::check(bytes, place).map_err(|error| Error::inval(format!("{what}: {error}")))
}

/// Who sets a property that the library manages in a packet; None: the program may set it.
fn manager(id: u8, place: Place) -> Option<&'static str> {
    use Place::*;
    Some(match (id, place) {
        (property::TOPIC_ALIAS | property::SUBSCRIPTION_ID, _) => "the library assigns it",
        (property::WILL_DELAY, Will) => "delay_s of pmqtt_will_with sets it",
        (
            property::SESSION_EXPIRY
            | property::RECEIVE_MAXIMUM
            | property::MAXIMUM_PACKET_SIZE
            | property::TOPIC_ALIAS_MAXIMUM
            | property::REQUEST_PROBLEM
            | property::REQUEST_RESPONSE,
            Connect,
        ) => "pmqtt_connect_options sets it",
        (property::AUTH_METHOD | property::AUTH_DATA, Connect | Auth) => {
            "pmqtt_auth_set sets the authentication"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{Value, write_property};
    use Place::*;

    const NUMBER: Value = Value::Number(1);
    const TEXT: Value = Value::Bytes(b"a");
    const ELSEWHERE: &str = "does not belong in the packet";

    /// What is wrong with a list of one property; empty: nothing.
    fn verdict(id: u8, value: Value, place: Place) -> String {
        let mut bytes = Vec::new();
        write_property(id, value, |piece| bytes.extend(piece));
        of_bytes(&bytes, place)
    }

    fn of_bytes(bytes: &[u8], place: Place) -> String {
        let view = events::PropertyView {
            data: bytes.as_ptr().cast(),
            len: bytes.len(),
        };
        // SAFETY: the bytes live.
        match unsafe { list(&view, place, "test") } {
            Ok(properties) => {
                assert_eq!(properties.as_bytes(), bytes);
                String::new()
            }
            Err(error) => error.text.to_string(),
        }
    }

    #[test]
    fn what_the_library_manages_is_refused_and_its_setter_named() {
        #[rustfmt::skip]
        let refused = [
            (property::TOPIC_ALIAS, NUMBER, Publish, "the list must not have the topic alias: the library assigns it"),
            (property::SUBSCRIPTION_ID, NUMBER, Publish, "the library assigns it"),
            (property::SUBSCRIPTION_ID, NUMBER, Subscribe, "the library assigns it"),
            (property::WILL_DELAY, NUMBER, Will, "pmqtt_will_with"),
            (property::SESSION_EXPIRY, NUMBER, Connect, "pmqtt_connect_options"),
            (property::RECEIVE_MAXIMUM, NUMBER, Connect, "pmqtt_connect_options"),
            (property::MAXIMUM_PACKET_SIZE, NUMBER, Connect, "pmqtt_connect_options"),
            (property::TOPIC_ALIAS_MAXIMUM, NUMBER, Connect, "pmqtt_connect_options"),
            (property::REQUEST_PROBLEM, NUMBER, Connect, "pmqtt_connect_options"),
            (property::REQUEST_RESPONSE, NUMBER, Connect, "pmqtt_connect_options"),
            (property::AUTH_METHOD, TEXT, Connect, "pmqtt_auth_set"),
            (property::AUTH_DATA, TEXT, Auth, "pmqtt_auth_set"),
            (property::SERVER_KEEP_ALIVE, NUMBER, Connect, ELSEWHERE),
            (property::WILL_DELAY, NUMBER, Publish, ELSEWHERE),
            (property::CONTENT_TYPE, TEXT, Disconnect, ELSEWHERE),
        ];
        for (id, value, place, words) in refused {
            let text = verdict(id, value, place);
            assert!(text.starts_with("test: ") && text.contains(words), "{text}");
        }
    }

    #[test]
    fn the_rest_is_for_the_program() {
        let pair = Value::Pair(b"a", b"b");
        for place in [
            Connect,
            Will,
            Publish,
            Ack,
            Subscribe,
            Unsubscribe,
            Disconnect,
            Auth,
        ] {
            assert_eq!(verdict(property::USER_PROPERTY, pair, place), "");
        }
        assert_eq!(verdict(property::SESSION_EXPIRY, NUMBER, Disconnect), "");
        assert_eq!(verdict(property::REASON_STRING, TEXT, Ack), "");
        assert_eq!(verdict(property::CONTENT_TYPE, TEXT, Publish), "");
        assert_eq!(verdict(property::MESSAGE_EXPIRY, NUMBER, Publish), "");
        assert_eq!(of_bytes(&[], Publish), "");
    }

    #[test]
    fn bytes_that_are_no_list_are_refused() {
        for bytes in [&[0][..], &[3, 0], &[3, 0, 1], &[38, 0, 1, b'a', 0, 1, 0xff]] {
            assert!(!of_bytes(bytes, Publish).is_empty());
        }
        let view = events::PropertyView {
            data: std::ptr::null(),
            len: 1,
        };
        // SAFETY: there are no bytes.
        let error = unsafe { list(&view, Publish, "test") }.unwrap_err();
        assert_eq!(
            error.text,
            "test: the list of properties is NULL, but its length is not 0"
        );
    }
}
