//! The settings of a program.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use crate::client::error::{Code, Error, Result};
use crate::client::events::{Callback, Drained, Interest};
use crate::client::handle::Client;
use crate::client::state::backoff::Backoff;
use crate::client::state::callbacks::Callbacks;
use crate::client::state::defaults::whole_milliseconds;
use crate::client::state::log_lines::Levels;
use crate::codec::{MAX_STRING, Message, PropertyList, topic};
use crate::session::{Credentials, Options, QueueOptions, Will};
use crate::sys;
use zeroize::Zeroizing;

/// The smallest PUBLISH: type and length, a topic of one byte with its length, and no payload.
const SMALLEST_PUBLISH: usize = 5;

impl Client {
    pub fn set_max_inflight(&self, messages: u16) {
        self.configure(|options| options.max_inflight = messages);
    }

    pub fn set_retry(&self, interval: Duration) {
        self.configure(|options| options.retry_ms = whole_milliseconds(interval));
    }

    pub fn set_max_queued_messages(&self, messages: usize) {
        self.configure(|options| options.max_queued_messages = messages);
    }

    pub fn set_max_queued_bytes(&self, bytes: usize) {
        self.configure(|options| options.max_queued_bytes = bytes);
    }

    pub fn set_queue_options(&self, options: QueueOptions) {
        let mut state = self.lock();
        state.session.set_queue_options(options);
        self.unlocked.set_ruled();
    }

    /// 0: no limit but MQTT's own.
    pub fn set_max_packet_size(&self, bytes: usize) -> Result {
        if (1..SMALLEST_PUBLISH).contains(&bytes) {
            return Err(Error::inval(format!(
                "max_packet_size_set: no message fits into {bytes} bytes"
            )));
        }
        let most = match bytes {
            0 => u32::MAX,
            _ => bytes.try_into().unwrap_or(u32::MAX),
        };
        self.configure(|options| options.max_packet_size = most);
        Ok(())
    }

    pub fn set_manual_ack(&self, manual: bool, at_once: bool) {
        self.configure(|options| {
            options.manual_ack = manual;
            options.ack_at_once = at_once;
        });
    }

    pub fn set_connect_timeout(&self, timeout: Duration) -> Result {
        if timeout.is_zero() {
            return Err(Error::inval("connect_timeout_set: it must be over 0"));
        }
        self.configure(|options| options.handshake_timeout_ms = whole_milliseconds(timeout));
        Ok(())
    }

    pub fn set_reconnect_delay(&self, min: Duration, max: Duration) -> Result {
        if min.is_zero() || max < min {
            return Err(Error::inval(
                "reconnect_delay_set: min_delay must be over 0, and max_delay not below it",
            ));
        }
        self.lock().intent.backoff = Backoff::new(min, max);
        Ok(())
    }

    /// None clears both.
    pub fn set_credentials(&self, username: Option<&str>, password: Option<&[u8]>) -> Result {
        let too_long = |length: usize| length > MAX_STRING;
        if too_long(username.map_or(0, str::len)) || too_long(password.map_or(0, <[u8]>::len)) {
            return Err(Error::inval(
                "username_pw_set: neither may be longer than 65,535 bytes",
            ));
        }
        self.lock().changed();
        self.configure(|options| {
            options.credentials = username.map(|username| {
                Box::new(Credentials {
                    username: username.to_owned(),
                    password: password.map(|password| Zeroizing::new(password.to_vec())),
                })
            });
        });
        Ok(())
    }

    /// `what` names the function in an error.
    pub fn set_will(&self, what: &str, will: &Message) -> Result {
        topic::check_name(will.topic).map_err(|why| Error::inval(format!("{what}: {why}")))?;
        if will.payload.len() > MAX_STRING {
            let text = format!("{what}: a will's payload must not be longer than 65,535 bytes");
            return Err(Error::new(Code::PayloadSize, text));
        }
        let will = Will {
            topic: will.topic.to_vec(),
            payload: will.payload.to_vec(),
            qos: will.qos,
            retain: will.retain,
            properties: will.properties.map(PropertyList::of).unwrap_or_default(),
        };
        self.configure(|options| options.will = Some(Box::new(will)));
        Ok(())
    }

    pub fn clear_will(&self) {
        self.configure(|options| options.will = None);
    }

    pub fn client_id(&self) -> *const c_char {
        self.lock().client_id()
    }

    pub fn userdata(&self) -> *mut c_void {
        self.lock().callbacks.userdata()
    }

    pub fn set_userdata(&self, userdata: *mut c_void) {
        self.lock().callbacks.set_userdata(userdata);
    }

    /// Changes callbacks. From now on, only the new ones are called. A freed client has none, even
    /// if this call began before the free.
    pub fn set_callbacks(&self, set: impl FnOnce(&mut Callbacks)) {
        let mut state = self.lock();
        if !state.tenancy.is_freed() {
            set(&mut state.callbacks);
        }
    }

    pub fn set_log_level(&self, level: i32) -> Result {
        let levels = Levels::from(level)
            .ok_or_else(|| Error::inval(format!("log_level_set: there is no level {level}")))?;
        self.set_callbacks(|callbacks| callbacks.set_log_levels(levels));
        Ok(())
    }

    pub fn set_drained(&self, callback: Option<Callback<Drained>>) {
        let mut state = self.lock();
        if !state.tenancy.is_freed() {
            let messages_out = state.counters.messages_out;
            state.callbacks.set_drained(callback, messages_out);
        }
    }

    /// Sets `on_interest`, and reports to it at once what to wait for.
    pub fn set_interest(&self, callback: Option<Callback<Interest>>) {
        let mut state = self.lock();
        if state.tenancy.is_freed() {
            return;
        }
        state.callbacks.interest = callback;
        state.reported.begin();
        self.wake_or_write(state);
    }

    /// The text of the last error.
    pub fn last_error(&self) -> String {
        match &self.lock().last_error {
            Some(error) => error.text.clone().into_owned(),
            None => "no error".to_owned(),
        }
    }

    /// Adds the reason to an error that only states that there is no connection. Another call has
    /// returned that reason.
    pub fn set_last_error(&self, error: Error) {
        let mut state = self.lock();
        state.last_error = Some(match &state.why_none {
            Some(why) if error.code == Code::NoConn => error.after(&why.text),
            _ => error,
        });
    }

    fn configure(&self, change: impl FnOnce(&mut Options)) {
        let mut state = self.lock();
        state.session.configure(sys::now(), change);
        self.wake_or_write(state);
    }
}
