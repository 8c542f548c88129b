//! The final bytes of a connection that was closing when it was replaced. It ends beside its
//! successor.
//!
//! The session keeps the final bytes, and the marks of the QoS 0 messages among them. The caller
//! writes the bytes and reports its progress. So each of these messages has its outcome here and
//! nowhere else, however the connection ends.

use super::final_bytes::FinalBytes;
use super::gather::Gather;
use super::{Outcome, Phase, Session};
use crate::codec::{PacketId, QoS};
use crate::time::Moment;

impl Session {
    /// Ends a connection that is about to be replaced. A closing connection keeps its final bytes.
    /// Everything else ends as by `close`.
    pub fn supersede(&mut self) {
        self.tell_written();
        if let Some(deadline) = self.last_deadline()
            && (self.output.unwritten() > 0 || self.delivering)
        {
            self.settle_final();
            let output = std::mem::take(&mut self.output);
            let last = FinalBytes::new(self.connection, deadline, output, self.delivering);
            self.last = Some(last);
        }
        self.close();
    }

    /// The replaced connection that still has final bytes.
    pub fn final_connection(&self) -> Option<u16> {
        self.last.as_ref().map(|last| last.connection)
    }

    /// The application has taken a message of a connection that was replaced during the delivery.
    #[cold]
    pub fn delivered_late(&mut self, id: PacketId, qos: QoS) {
        let version = self.version();
        if let Some(last) = &mut self.last {
            last.acknowledge(id, qos, version);
        }
    }

    /// Exchanges the final bytes for an empty buffer. Returns their connection, and the moment
    /// until which they may be written.
    pub fn take_final(&mut self, empty: &mut Gather) -> Option<(u16, Moment)> {
        let last = self.last.as_mut()?;
        last.take(empty);
        Some((last.connection, last.deadline))
    }

    /// The socket has taken all but `count` of the connection's final bytes.
    pub fn set_final_unwritten(&mut self, connection: u16, count: usize) {
        if self.final_connection() == Some(connection)
            && let Some(last) = &mut self.last
        {
            last.set_unwritten(count);
            self.tell_final_written();
        }
    }

    /// The final bytes of a connection are written, or never will be.
    pub fn drop_final(&mut self, connection: u16) {
        if self.final_connection() == Some(connection) {
            self.settle_final();
        }
    }

    /// Ends the final bytes: each QoS 0 message among them gets its outcome.
    pub fn settle_final(&mut self) {
        self.tell_final_written();
        if let Some(last) = self.last.take() {
            for mid in last.into_lost() {
                self.add_outcome(Outcome::Lost { mid });
            }
        }
    }

    fn tell_final_written(&mut self) {
        while let Some(mid) = self.last.as_mut().and_then(|last| last.pop_written()) {
            self.add_outcome(Outcome::Written { mid });
        }
    }

    /// Until when a closing connection may write.
    fn last_deadline(&mut self) -> Option<Moment> {
        match self.phase {
            Phase::Disconnecting { deadline } => Some(deadline),
            // CONNECT, without which there is no DISCONNECT, is not written.
            Phase::Connecting { .. } if self.withholds_connect() => None,
            // CONNACK is not awaited: the packets that would follow it are given up.
            Phase::Connecting {
                deadline,
                then_disconnect: true,
            } => {
                let lost = self.output.forgo();
                for mid in lost {
                    self.add_outcome(Outcome::Lost { mid });
                }
                self.output.put_disconnect();
                Some(deadline)
            }
            Phase::Closed | Phase::Connecting { .. } | Phase::Connected => None,
        }
    }
}
