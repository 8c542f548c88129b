//! The steps of enhanced authentication (section 4.12 of MQTT 5): who has the next word.
//!
//! | step         | the next word                                                                  |
//! |--------------|--------------------------------------------------------------------------------|
//! | `None`       | there is no exchange                                                           |
//! | `Due`        | the application is to be told that an exchange starts                          |
//! | `Start`      | the application has it: the data of CONNECT, or of the AUTH that starts anew   |
//! | `Sent`       | the broker has it: AUTH or CONNACK                                             |
//! | `Challenged` | the application has it: an answer to AUTH                                      |
//! | `Accepted`   | the application has it: it may refuse, although the broker is content          |
//! | `Failed`     | the application has refused: the connection has to be closed                   |

use std::ffi::CStr;
use std::sync::Arc;

use crate::codec::{Properties, PropertyList, TooLong, property};
use crate::time::Moment;
use zeroize::Zeroizing;

/// The bytes of a property in front of its text or binary data.
const HEAD: usize = 3;

#[derive(Default)]
pub struct Exchange {
    /// The method of the next connections; None: they have no exchange.
    pub next_method: Option<Arc<CStr>>,
    /// The method of this connection, which CONNECT has.
    pub method: Option<Arc<CStr>>,
    pub step: Step,
    /// Until when the next word has to come. Before CONNACK, the phase has it.
    pub deadline: Moment,
    /// The broker has sent a packet that only MQTT 5 has, so it understands DISCONNECT.
    pub is_understood: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    #[default]
    None,
    Due,
    Start,
    Sent,
    Challenged,
    Accepted,
    /// With the reason of the application.
    Failed(u8),
}

impl Exchange {
    /// A connection begins. With a method, its exchange starts before CONNECT.
    pub fn begin(&mut self) {
        self.method = self.next_method.clone();
        self.is_understood = false;
        self.step = match self.method {
            Some(_) => Step::Due,
            None => Step::None,
        };
    }

    /// The connection is gone.
    pub fn end(&mut self) {
        self.method = None;
        self.step = Step::None;
    }

    /// The properties of a packet to the broker: the method of CONNECT, the data, and what the application
    /// adds. [MQTT5-4.12.0-5] [MQTT5-4.12.1-1]
    pub fn properties(
        &self,
        data: &[u8],
        more: Properties,
    ) -> Result<Zeroizing<PropertyList>, TooLong> {
        let method_len = self.method.as_ref().map_or(0, |it| it.count_bytes());
        // A list that grows would leave copies of the data behind.
        let capacity = method_len + data.len() + more.len() + 2 * HEAD;
        let mut list = Zeroizing::new(PropertyList::with_capacity(capacity));
        if let Some(method) = &self.method {
            list.bytes(property::AUTH_METHOD, method.to_bytes())?;
        }
        if !data.is_empty() {
            list.bytes(property::AUTH_DATA, data)?;
        }
        list.append(more);
        Ok(list)
    }

    /// Whether a packet of the broker has the method of CONNECT, or none like CONNECT.
    pub fn has_method_of(&self, properties: Properties) -> bool {
        properties.bytes(property::AUTH_METHOD) == self.method.as_deref().map(CStr::to_bytes)
    }

    /// Whether CONNECT waits for the application, if it is not sent yet.
    pub fn is_starting(&self) -> bool {
        matches!(self.step, Step::Due | Step::Start)
    }

    /// Whether the application owes an answer.
    pub fn awaits_answer(&self) -> bool {
        matches!(self.step, Step::Start | Step::Challenged)
    }
}
