//! In which order messages came that the application acknowledges. PUBACK and PUBREC each go out in the order
//! of arrival [MQTT-4.6.0-2] [MQTT-4.6.0-3]; neither waits for the other.

use std::collections::VecDeque;

use crate::codec::QoS;

/// The mids of those that came on this connection, in their order.
#[derive(Default)]
pub struct Arrivals {
    at_least_once: VecDeque<u64>,
    exactly_once: VecDeque<u64>,
}

impl Arrivals {
    /// Those of QoS 1, or else of QoS 2.
    pub fn of(&mut self, qos: QoS) -> &mut VecDeque<u64> {
        match qos {
            QoS::AtMostOnce | QoS::AtLeastOnce => &mut self.at_least_once,
            QoS::ExactlyOnce => &mut self.exactly_once,
        }
    }
}
