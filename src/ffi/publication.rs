//! A message of the program's, in the form that all calls that publish take.

use std::ffi::{c_char, c_int, c_void};
use std::time::Duration;

use super::extras::Extras;
use super::properties::PropertyPair;
use super::property_room::Room;
use super::publish::message;
use super::sized;
use crate::client::events::PropertyView;
use crate::client::{Client, Code, Error, Result, Timed};
use crate::codec::property::{self, Place};
use crate::codec::{Message, Properties, Value};

/// A message to publish, or a will. All fields except `struct_size` and `topic` may be 0.
/// `PMQTT_PUBLICATION_INIT` sets `struct_size`.
///
/// MQTT 5 has all of the fields. A client of an earlier version refuses those that are marked with
/// (MQTT 5): the call returns `PMQTT_ERR_NOT_SUPPORTED`.
///
/// @ingroup api_publish
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Publication {
    /// `sizeof(pmqtt_publication)`. It is the same for each element of an array.
    pub struct_size: usize,
    /// The topic: UTF-8; not NULL, 1 to 65,535 bytes, no wildcards.
    pub topic: *const c_char,
    /// The payload. NULL with a length of 0: an empty payload.
    pub payload: *const c_void,
    /// Bytes. At most 268,435,455 together with the topic and 2 bytes (QoS 1 and 2: 4 bytes), in
    /// MQTT 5 with the properties too. In a will, at most 65,535.
    pub payload_len: usize,
    /// 0, 1 or 2.
    pub qos: c_int,
    /// true: the broker keeps the message as a retained message, for later subscribers.
    pub retain: bool,
    /// How long the message may wait, in seconds from the call that publishes it; 0: no limit.
    ///
    /// When the time is over, the client does not send a message that still waits for a connection
    /// or for room in the window. Its outcome is `PMQTT_ERR_EXPIRED` in `on_publish`. A loop call
    /// reports it within a second, with or without a connection. `messages_expired` of
    /// `pmqtt_stats` counts these messages.
    ///
    /// A message that was handed to a connection does not expire here, as it may have arrived. QoS
    /// 0 waits only where `keep_qos0` of `pmqtt_queue_options` is set.
    ///
    /// In MQTT 5, the broker knows the limit as the message expiry interval. It does not give the
    /// message to a subscriber after the time. In a will, the time begins when the broker publishes
    /// it. Before MQTT 5, the broker does not know the limit, and a will must have 0.
    /// [MQTT5-3.3.2.3.3]
    pub expiry_s: u32,
    /// The content type, which describes the payload, for example "application/json": UTF-8, at
    /// most 65,535 bytes; NULL: none (MQTT 5). [MQTT5-3.3.2.3.9]
    pub content_type: *const c_char,
    /// The topic for a response: UTF-8, 1 to 65,535 bytes, no wildcards; NULL: none (MQTT 5).
    /// [MQTT5-3.3.2.3.5]
    pub response_topic: *const c_char,
    /// The correlation data, by which the requester knows the response; NULL: none (MQTT 5).
    /// [MQTT5-3.3.2.3.6]
    pub correlation: *const c_void,
    /// The length of `correlation` in bytes, at most 65,535; it may be 0.
    pub correlation_len: usize,
    /// true: the message says that its payload is UTF-8 text (MQTT 5). The library does not check
    /// the payload. [MQTT5-3.3.2.3.2]
    pub payload_is_utf8: bool,
    /// `user_property_count` user properties, which are sent in this order; may be NULL if the
    /// count is 0 (MQTT 5). Name and value: UTF-8; not NULL, at most 65,535 bytes.
    /// [MQTT5-3.3.2.3.7]
    pub user_properties: *const PropertyPair,
    /// The number of user properties; may be 0.
    pub user_property_count: usize,
    /// Any number. `on_publish` gives it back in `tag` of its event, in every version.
    pub tag: u64,
    /// Further properties, as a list of `pmqtt_property_writer` or of an event; a length of 0: none
    /// (MQTT 5).
    ///
    /// A property that a field above has set must not be in the list, except for user properties.
    /// Nor must those that the library manages: the topic alias and the subscription identifier. A
    /// message expiry interval in the list counts as `expiry_s`. So the properties of a received
    /// message may be handed on as they are.
    pub properties: PropertyView,
}

impl Publication {
    /// # Safety
    /// `pointer` is NULL or points to as many bytes as its struct_size says.
    #[inline(always)]
    pub(super) unsafe fn read(pointer: *const Publication) -> Result<Publication> {
        if pointer.is_null() {
            return Err(Error::inval("publish: the publication is NULL"));
        }
        // SAFETY: the caller's promise is the same, and it is not NULL.
        unsafe { sized::read(pointer, "publish: the publication") }
    }

    /// Encodes the properties for a client of MQTT 5. `what` names the function in an error.
    ///
    /// # Safety
    /// The pointers are what the header says of them, and live as long as the result.
    #[inline(always)]
    pub(super) unsafe fn encode<'a>(
        &self,
        room: &'a mut Room,
        place: Place,
        what: &str,
    ) -> Result<Properties<'a>> {
        // SAFETY: the caller's promise is the same.
        unsafe { self.extras().encode(room, place, what) }
    }

    /// The message with its properties; None: for a client before MQTT 5.
    ///
    /// # Safety
    /// As for `encode`.
    #[inline(always)]
    pub(super) unsafe fn timed<'a>(&self, properties: Option<Properties<'a>>) -> Result<Timed<'a>> {
        // SAFETY: the caller's promise is the same.
        let (message, limit) = unsafe { self.message_and_limit("publish", properties) }?;
        Timed::new(message, limit, self.tag)
    }

    /// The message, and how long it may wait. `function` is named in an error.
    ///
    /// # Safety
    /// As for `encode`.
    #[inline(always)]
    pub(super) unsafe fn message_and_limit<'a>(
        &self,
        function: &str,
        properties: Option<Properties<'a>>,
    ) -> Result<(Message<'a>, Option<Duration>)> {
        // SAFETY: the caller's promise is the same.
        let message = unsafe { self.message(function, properties) }?;
        let limit = match properties {
            Some(properties) => expiry(properties),
            None => (self.expiry_s > 0).then_some(self.expiry_s),
        };
        let limit = limit.map(|seconds| Duration::from_secs(seconds.into()));
        Ok((message, limit))
    }

    /// # Safety
    /// As for `encode`.
    #[inline(always)]
    unsafe fn message<'a>(
        &self,
        function: &str,
        properties: Option<Properties<'a>>,
    ) -> Result<Message<'a>> {
        if properties.is_none()
            && let Some(field) = self.extras().field_of_mqtt5()
        {
            return Err(only_mqtt5(function, field));
        }
        let Publication {
            topic,
            payload,
            payload_len,
            qos,
            retain,
            ..
        } = *self;
        // SAFETY: the caller's promise is the same.
        let message = unsafe { message(function, topic, payload, payload_len, qos, retain) }?;
        Ok(Message {
            properties,
            ..message
        })
    }

    /// Makes it the will of a client. `what` names the function in an error.
    ///
    /// # Safety
    /// As for `encode`.
    pub(super) unsafe fn set_as_will(&self, client: &Client, delay_s: u32, what: &str) -> Result {
        if self.tag != 0 {
            let text = format!("{what}: tag has to be 0, as a will has no outcome");
            return Err(Error::inval(text));
        }
        let mut room = Room::new();
        // SAFETY: the caller's promise is the same.
        unsafe {
            let properties = match client.is_extended() {
                true => Some(self.encode_will(&mut room, delay_s, what)?),
                false if self.expiry_s > 0 => return Err(only_mqtt5(what, "expiry_s")),
                false if delay_s > 0 => return Err(only_mqtt5(what, "delay_s")),
                false => None,
            };
            client.set_will(what, &self.message(what, properties)?)
        }
    }

    /// # Safety
    /// As for `encode`.
    unsafe fn encode_will<'a>(
        &self,
        room: &'a mut Room,
        delay_s: u32,
        what: &str,
    ) -> Result<Properties<'a>> {
        // SAFETY: the caller's promise is the same.
        unsafe { self.encode(room, Place::Will, what) }?;
        if delay_s > 0 {
            room.add(property::WILL_DELAY, Value::Number(delay_s))?;
        }
        Ok(Properties::of_checked(room.bytes()))
    }

    #[inline(always)]
    fn extras(&self) -> Extras {
        Extras {
            content_type: self.content_type,
            response_topic: self.response_topic,
            correlation: self.correlation,
            correlation_len: self.correlation_len,
            payload_is_utf8: self.payload_is_utf8,
            user_properties: self.user_properties,
            user_property_count: self.user_property_count,
            expiry_s: self.expiry_s,
            properties: self.properties,
        }
    }
}

/// The message expiry interval, which is encoded first.
#[inline(always)]
fn expiry(properties: Properties) -> Option<u32> {
    match properties.as_bytes() {
        [property::MESSAGE_EXPIRY, ..] => properties.number(property::MESSAGE_EXPIRY),
        _ => None,
    }
}

#[cold]
fn only_mqtt5(function: &str, field: &str) -> Error {
    let text = format!("{function}: {field} is for MQTT 5 (PMQTT_PROTOCOL_V5)");
    Error::new(Code::NotSupported, text)
}
