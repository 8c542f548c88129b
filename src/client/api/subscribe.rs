//! Subscribing to topic filters, with or without callbacks of the subscriptions, and the end of that.

use std::ffi::c_void;

use super::request::no_properties;
use crate::client::error::{Code, Error, Result};
use crate::client::events::{Callback, MessageEvent, Release};
use crate::client::handle::Client;
use crate::client::state::State;
use crate::client::state::handlers::Handler;
use crate::client::state::log_lines::Level;
use crate::codec::{Properties, TooLong, Wish, reason, topic};
use crate::session::RequestError;

/// A topic filter, what is asked for with it, and its callback.
pub struct Subscription<'a> {
    pub filter: &'a str,
    pub wish: Wish,
    pub callback: Option<MessageCallback>,
}

/// The callback of a subscription, which becomes a handler of its filter.
#[derive(Clone, Copy)]
pub struct MessageCallback {
    pub callback: Callback<MessageEvent>,
    pub userdata: *mut c_void,
    pub release: Option<Release>,
}

impl Client {
    pub fn subscribe(&self, filters: &[(&str, Wish)]) -> Result<u64> {
        check_filters("subscribe", filters)?;
        let mut state = self.lock();
        let subscribed = state.session.subscribe(filters, Properties::NONE);
        self.wake_or_write(state);
        subscribed.map_err(|error| request_error("subscribe", error))
    }

    /// Subscribes with options, callbacks and properties. The callbacks are set if the request is accepted, before
    /// a message can come.
    pub fn subscribe_with(
        &self,
        subscriptions: &[Subscription],
        properties: Properties,
    ) -> Result<u64> {
        const WHAT: &str = "subscribe_with";
        let filters: Vec<_> = subscriptions
            .iter()
            .map(|subscription| (subscription.filter, subscription.wish))
            .collect();
        check_filters(WHAT, &filters)?;
        for (filter, wish) in &filters {
            if wish.no_local && topic::is_shared(filter) {
                let why = "a shared subscription must not have no_local [MQTT5-3.8.3-4]";
                return Err(inval(WHAT, why));
            }
            if !self.is_extended() && *wish != Wish::from(wish.qos) {
                let text = format!("{WHAT}: only MQTT 5 has these options (PMQTT_PROTOCOL_V5)");
                return Err(Error::new(Code::NotSupported, text));
            }
        }
        self.check_properties(WHAT, properties)?;
        self.with_frame(|| {
            let mut state = self.lock();
            let subscribed = state.session.subscribe(&filters, properties);
            let mut replaced = Vec::new();
            if subscribed.is_ok() {
                let is_plain = filters
                    .iter()
                    .all(|(_, wish)| *wish == Wish::from(wish.qos));
                if state.session.is_older() && !(is_plain && properties.is_empty()) {
                    log_left_out(&mut state);
                }
                for subscription in subscriptions {
                    if let Some(given) = subscription.callback {
                        let handlers = state.callbacks.handlers();
                        replaced.extend(handlers.bind(subscription.filter, given.handler()));
                    }
                }
            }
            self.wake_or_write(state);
            drop(replaced);
            subscribed.map_err(|error| request_error(WHAT, error))
        })
    }

    /// Unsubscribes. The callbacks of the subscriptions end. `what` names the function in an error.
    pub fn unsubscribe(&self, what: &str, filters: &[&str], properties: Properties) -> Result<u64> {
        if filters.is_empty() {
            return Err(inval(what, "there is no topic filter"));
        }
        for filter in filters {
            topic::check_filter(filter).map_err(|why| inval(what, why))?;
        }
        self.check_properties(what, properties)?;
        self.with_frame(|| {
            let mut state = self.lock();
            let unsubscribed = state.session.unsubscribe(filters, properties);
            let mut ended = Vec::new();
            if unsubscribed.is_ok() && state.callbacks.has_handlers() {
                let handlers = state.callbacks.handlers();
                ended.extend(filters.iter().filter_map(|filter| handlers.unbind(filter)));
            }
            self.wake_or_write(state);
            drop(ended);
            unsubscribed.map_err(|error| request_error(what, error))
        })
    }

    /// Whether the client subscribes again after a reconnect without a session.
    pub fn set_resubscribe(&self, resubscribe: bool) {
        self.lock().session.set_resubscribe(resubscribe);
    }

    fn check_properties(&self, what: &str, properties: Properties) -> Result {
        match properties.is_empty() || self.is_extended() {
            true => Ok(()),
            false => Err(no_properties(what)),
        }
    }
}

#[cold]
fn log_left_out(state: &mut State) {
    state.log(
        Level::Warning,
        format_args!(
            "subscribe_with: the connection is of MQTT 3.1.1: options and properties of MQTT 5 are left out"
        ),
    );
}

impl MessageCallback {
    fn handler(self) -> Handler {
        Handler::with_userdata(self.callback, self.userdata, self.release)
    }
}

/// Whether filters can be subscribed to. `what` names the function in an error.
pub fn check_filters(what: &str, filters: &[(&str, Wish)]) -> Result {
    if filters.is_empty() {
        return Err(inval(what, "there is no topic filter"));
    }
    for (filter, _) in filters {
        topic::check_filter(filter).map_err(|why| inval(what, why))?;
    }
    Ok(())
}

pub fn request_error(function: &str, error: RequestError) -> Error {
    match error {
        RequestError::NotConnected => Error::no_connection(),
        RequestError::NoPacketId => Error::new(
            Code::QueueSize,
            format!("{function}: all packet identifiers are in use"),
        ),
        RequestError::TooLong(TooLong(what)) => inval(function, &format!("the {what} is too long")),
        RequestError::Unfit(reason) => unfit(function, reason),
        RequestError::TooLarge => Error::new(
            Code::PayloadSize,
            format!("{function}: the packet is larger than the broker's maximum packet size"),
        ),
    }
}

fn unfit(function: &str, reason: u8) -> Error {
    let what = match reason {
        reason::SHARED_NOT_SUPPORTED => "shared subscriptions",
        _ => "wildcards in topic filters",
    };
    Error::new(
        Code::NotSupported,
        format!("{function}: the broker has no {what} (reason {reason:#04x})"),
    )
}

fn inval(function: &str, why: &str) -> Error {
    Error::inval(format!("{function}: {why}"))
}
