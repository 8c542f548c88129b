//! What a connection that was asked to end is still to say, while its successor is made already.

use super::output::Output;
use super::{Outcome, Phase, Session};
use crate::codec::{Ack, Buffer, PacketId, QoS, Version, encode};
use crate::time::Moment;

pub struct Farewell {
    pub output: Output,
    /// How long that may take.
    pub deadline: Moment,
    /// DISCONNECT waits for the acknowledgement of what is being delivered.
    delivering: bool,
}

impl Session {
    /// The connection is about to be replaced: what is left to say of one that was asked to end. Nobody
    /// has to wait for that, and `close` does not touch it any more.
    pub fn leave(&mut self) -> Option<Farewell> {
        let deadline = match self.phase {
            Phase::Disconnecting { deadline } => deadline,
            // CONNACK is not waited for: what was to follow it is given up.
            Phase::Connecting {
                deadline,
                then_disconnect: true,
            } => {
                let lost = self.output.forgo();
                for mid in lost {
                    self.add_outcome(Outcome::Lost { mid });
                }
                encode::disconnect(self.output.buffer());
                deadline
            }
            Phase::Closed | Phase::Connecting { .. } | Phase::Connected => return None,
        };
        Some(Farewell {
            output: std::mem::take(&mut self.output),
            deadline,
            delivering: self.delivering,
        })
    }
}

impl Farewell {
    /// Of a connection that has said all.
    pub fn until(deadline: Moment) -> Farewell {
        Farewell {
            output: Output::default(),
            deadline,
            delivering: false,
        }
    }

    /// The application has taken a message that was being delivered.
    pub fn acknowledge(&mut self, id: PacketId, qos: QoS, version: Version) {
        let ack = match qos {
            QoS::AtMostOnce => return,
            QoS::AtLeastOnce => Ack::PubAck,
            QoS::ExactlyOnce => Ack::PubRec,
        };
        self.output.put_ack(ack, id, false, version);
    }

    /// Hands over the bytes, DISCONNECT at the last, in exchange for an empty buffer.
    pub fn take(&mut self, empty: &mut Buffer) {
        if std::mem::take(&mut self.delivering) {
            encode::disconnect(self.output.buffer());
        }
        self.output.take(empty);
    }
}
