//! QoS 0 before the CONNACK of MQTT 5. It waits in the queue, because CONNACK may say that the broker does not
//! take it. Otherwise it is treated as in every version: it goes out before all QoS 1 and 2, and is
//! lost with its connection. With `keep_qos0`, it keeps its place in the queue instead.

use super::outgoing::Outgoing;
use super::output::Output;
use super::slot::Stage;
use crate::codec::Rewrite;
use crate::time::Moment;

impl Outgoing {
    /// CONNACK has come. Sends these messages, except those whose time is over.
    pub fn send_early(&mut self, output: &mut Output, now: Moment) {
        for seq in self.early() {
            let slot = self.slot(seq).copied().unwrap_or_default();
            if slot.until().is_some_and(|until| until <= now) {
                continue;
            }
            // Without memory, it stays in the queue for now.
            let packet = self.packets.get(slot.packet);
            if output.put_rewritten(packet, Rewrite::default()).is_ok() {
                output.mark_at_most_once(slot.mid);
                self.remove_waiting(seq);
            }
        }
        self.close_holes();
    }

    /// The connection ended. Returns the mids of these messages, which are lost.
    pub fn lose_early(&mut self) -> Vec<u64> {
        let mut lost = Vec::new();
        for seq in self.early() {
            lost.extend(self.slot(seq).map(|slot| slot.mid));
            self.remove_waiting(seq);
        }
        self.close_holes();
        lost
    }

    fn early(&self) -> Vec<u32> {
        if !self.has_kept() || self.queue_options().keep_qos0 {
            return Vec::new();
        }
        let is_kept = |seq: &u32| {
            let slot = self.slot(*seq);
            slot.is_some_and(|slot| slot.stage == Stage::Kept)
        };
        self.seqs().filter(is_kept).collect()
    }
}
