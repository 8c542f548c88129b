//! Subscriptions with options, callbacks and properties.

use std::ffi::{c_char, c_int, c_void};

use super::constants::{PMQTT_RETAIN_ALWAYS, PMQTT_RETAIN_IF_NEW, PMQTT_RETAIN_NEVER};
use super::on_message::pmqtt_on_message;
use super::property_list::optional_list;
use super::{array, put, run, sized, text};
use crate::client::events::PropertyView;
use crate::client::{self, Error, Handle, MessageCallback, Result};
use crate::codec::{Place, RetainHandling, Wish};

/// A subscription to a topic filter. All fields except `struct_size` and `filter` may be 0.
///
/// @ingroup api_subscribe
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Subscription {
    /// `sizeof(pmqtt_subscription)`.
    pub struct_size: usize,
    /// The topic filter, as for `pmqtt_subscribe`; not NULL.
    pub filter: *const c_char,
    /// The maximum QoS at which the broker sends the messages: 0, 1 or 2.
    pub qos: c_int,
    /// When the broker sends retained messages (MQTT 5): `PMQTT_RETAIN_ALWAYS` (0),
    /// `PMQTT_RETAIN_IF_NEW` or `PMQTT_RETAIN_NEVER`.
    pub retain_handling: c_int,
    /// true: the broker does not send what this client publishes (MQTT 5). Not with a shared
    /// subscription.
    pub no_local: bool,
    /// true: messages keep the retain flag with which they were published (MQTT 5).
    pub retain_as_published: bool,
    /// The callback for messages that match the filter; NULL: the call sets and ends none.
    pub callback: pmqtt_on_message,
    /// Passed to the callback in place of the client's `userdata`. May be NULL.
    pub userdata: *mut c_void,
    /// Called with `userdata` when the library does not use it any more, as that of
    /// `pmqtt_message_handler`; NULL: none. It must be NULL if `callback` is.
    pub release: Option<extern "C" fn(userdata: *mut c_void)>,
}

/// Subscribes to topic filters with one SUBSCRIBE packet, with options, callbacks and properties.
///
/// `on_subscribe` reports what the broker granted for each filter, in the order of the array.
///
/// The callback of a subscription is a handler of its filter, as `pmqtt_message_handler_add` adds
/// one. The same rules say which callbacks are called for a message, in which order, and when
/// `release` runs. The callback replaces the handler that the filter has. It works in every version
/// of MQTT, and through all reconnects. It ends:
/// - in `pmqtt_unsubscribe`, `pmqtt_unsubscribe_multiple` or `pmqtt_unsubscribe_with` of its
///   filter, if that call is successful,
/// - when another handler replaces it, also that of a later `pmqtt_subscribe_with`,
/// - in `pmqtt_message_callback_remove`, which needs no connection,
/// - in `pmqtt_reinitialise` and `pmqtt_client_free`.
///
/// A broker that refuses the filter does not end it.
///
/// @param client         The client; not NULL.
/// @param subscriptions  `count` subscriptions, copied; not NULL.
/// @param count          At least 1.
/// @param properties     The properties of SUBSCRIBE, copied; NULL: none.
/// @param mid            The number of the request, on success; may be NULL.
///
/// @return As `pmqtt_subscribe`. After an error, no callback was set, and no `release` is called.
/// In addition:
/// - `PMQTT_ERR_INVAL`: no version has this `struct_size`, or a shared subscription has `no_local`.
///   Or there is no such `retain_handling`, a `release` has no callback, or the properties are not
///   those of a SUBSCRIBE.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client does not speak MQTT 5, and there are properties or
///   options of MQTT 5. Or a field is set that only a later version of the library knows.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.8]
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_subscribe_with(
    client: *mut Handle,
    subscriptions: *const Subscription,
    count: usize,
    properties: *const PropertyView,
    mid: *mut u64,
) -> c_int {
    const WHAT: &str = "subscribe_with";
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let subscriptions = sized::read_all(subscriptions, count, WHAT)?
                .map(|subscription| subscription?.checked(WHAT))
                .collect::<Result<Vec<_>>>()?;
            let properties = optional_list(properties, Place::Subscribe, WHAT)?;
            put(mid, client.subscribe_with(&subscriptions, properties)?);
            Ok(())
        })
    }
}

/// Ends subscriptions with one UNSUBSCRIBE packet, with properties (MQTT 5).
///
/// `on_unsubscribe` reports the answer of the broker. Callbacks that `pmqtt_subscribe_with` has set
/// for the filters end in this call.
///
/// @param client      The client; not NULL.
/// @param filters     `count` topic filters; not NULL, and none of them NULL.
/// @param count       At least 1.
/// @param properties  The properties of UNSUBSCRIBE, copied; NULL: none.
/// @param mid         The number of the request, on success; may be NULL.
///
/// @return As `pmqtt_unsubscribe`. In addition:
/// - `PMQTT_ERR_INVAL`: the properties are not those of an UNSUBSCRIBE.
/// - `PMQTT_ERR_NOT_SUPPORTED`: the client does not speak MQTT 5, and there are properties.
///
/// Thread-safe; callback-safe; never blocks. [MQTT5-3.10]
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_unsubscribe_with(
    client: *mut Handle,
    filters: *const *const c_char,
    count: usize,
    properties: *const PropertyView,
    mid: *mut u64,
) -> c_int {
    const WHAT: &str = "unsubscribe_with";
    // SAFETY: the pointers are what the header's contract says.
    unsafe {
        run(client, |client| {
            let filters = array(filters, count, "unsubscribe_with: the array of filters")?
                .iter()
                .map(|&filter| text(filter, "unsubscribe_with: the filter"))
                .collect::<Result<Vec<_>>>()?;
            let properties = optional_list(properties, Place::Unsubscribe, WHAT)?;
            put(mid, client.unsubscribe(WHAT, &filters, properties)?);
            Ok(())
        })
    }
}

/// Sets whether the client subscribes again by itself after a reconnect, if the broker has lost the
/// session.
///
/// The client then keeps the subscriptions that the broker grants from now on, until the program
/// unsubscribes. It subscribes again on each connection whose CONNACK has no session. It does so
/// when `on_connect` has returned, and before it sends the messages that wait in the queue.
///
/// - The client leaves out the filters that the program has subscribed to on this connection, in
///   `on_connect` for example.
/// - Options stay as they were, but the broker sends retained messages only if the subscription is
///   new (MQTT 5). Properties of `pmqtt_subscribe_with` are not sent again.
/// - A packet has at most 8 filters, and is not larger than the broker accepts.
/// - The client tells the program only of refused filters: by `on_subscribe` with `mid` 0 and with
///   these filters. It does not subscribe to them again. A callback of `pmqtt_subscribe_with`
///   stays.
/// - In MQTT 3.1, CONNACK does not tell whether the broker has the session. The client assumes that
///   it has, if `clean_session` is false.
///
/// @param client       The client; not NULL.
/// @param resubscribe  true: the client subscribes again. false: it does not, and forgets the
///                     subscriptions that it has kept; the default.
///
/// @return `PMQTT_ERR_SUCCESS`, or `PMQTT_ERR_INVAL`: `client` is NULL.
///
/// Thread-safe; callback-safe; never blocks.
///
/// @ingroup api_subscribe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pmqtt_resubscribe_set(client: *mut Handle, resubscribe: bool) -> c_int {
    // SAFETY: the pointer is what the header's contract says.
    unsafe {
        run(client, |client| {
            client.set_resubscribe(resubscribe);
            Ok(())
        })
    }
}

impl Subscription {
    /// # Safety
    /// The filter is NULL or a string that lives as long as the result.
    unsafe fn checked<'a>(self, what: &str) -> Result<client::Subscription<'a>> {
        let retain_handling = match self.retain_handling {
            PMQTT_RETAIN_ALWAYS => RetainHandling::Always,
            PMQTT_RETAIN_IF_NEW => RetainHandling::IfNew,
            PMQTT_RETAIN_NEVER => RetainHandling::Never,
            other => {
                let text = format!("{what}: there is no retain_handling {other}");
                return Err(Error::inval(text));
            }
        };
        if self.callback.is_none() && self.release.is_some() {
            return Err(Error::inval(format!("{what}: release has no callback")));
        }
        Ok(client::Subscription {
            // SAFETY: the caller's promise is the same.
            filter: unsafe { text(self.filter, &format!("{what}: the filter")) }?,
            wish: Wish {
                qos: super::qos(self.qos)?,
                no_local: self.no_local,
                retain_as_published: self.retain_as_published,
                retain_handling,
            },
            callback: self.callback.map(|callback| MessageCallback {
                callback,
                userdata: self.userdata,
                release: self.release,
            }),
        })
    }
}
