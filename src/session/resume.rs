//! What the end of a connection, and the loss of the broker's session, mean for messages on their way.
//!
//! |                   | the broker has the session       | it has lost the session                          |
//! |-------------------|----------------------------------|--------------------------------------------------|
//! | 3.x, before PUBREC| the same PUBLISH with DUP        | the same PUBLISH with DUP                        |
//! | 3.x, after PUBREC | PUBREL                           | PUBREL; PUBCOMP leaves it in doubt               |
//! | 5, before PUBREC  | the same PUBLISH with DUP        | a new PUBLISH [MQTT5-3.2.2-5]                    |
//! | 5, after PUBREC   | PUBREL, before all PUBLISH       | in doubt at once, the identifier is free         |
//! | 5, withdrawn      | PUBREL; PUBCOMP is not reported  | the identifier is free                           |

use super::outgoing::Outgoing;
use super::output::Output;
use super::packet_ids::{PacketIds, Use};
use super::slot::Stage;
use super::waiting::GivenUp;
use crate::codec::{Ack, Rules, Version};

impl Outgoing {
    /// The connection ended: no message counts as sent on the next one. `is_extended`: the session is one of MQTT 5,
    /// whatever the connection was.
    pub fn connection_lost(&mut self, is_extended: bool) {
        self.next = self.first;
        self.in_flight = 0;
        if is_extended {
            self.change_sent(|stage| match stage {
                Stage::Released => Stage::Resumed,
                other => other,
            });
        }
    }

    /// The broker has forgotten the session. It may or may not have passed on the messages that it
    /// took with PUBREC.
    pub fn session_lost(&mut self, ids: &mut PacketIds, rules: Rules) {
        for seq in self.sent_before() {
            let place = seq as usize & (self.slots.len() - 1);
            let slot = &mut self.slots[place];
            match slot.stage {
                Stage::Released | Stage::Resumed | Stage::InDoubt if rules.renews_lost => {
                    ids.release(slot.id);
                    let mid = slot.mid;
                    self.tell_end(mid, GivenUp::InDoubt);
                    self.finish_released(seq);
                }
                Stage::Released | Stage::Resumed => slot.stage = Stage::InDoubt,
                Stage::Published if rules.renews_lost => {
                    ids.release(slot.id);
                    slot.stage = Stage::Renewed;
                }
                Stage::Cancelled => ids.release(slot.id),
                _ => {}
            }
        }
        self.drop_cancelled();
    }

    /// Sends the PUBRELs of earlier connections. They do not count as in flight: the send quota is about PUBLISH
    /// (section 4.9 of MQTT 5).
    pub fn resume(&mut self, output: &mut Output, version: Version) {
        let mask = self.slots.len().wrapping_sub(1);
        for seq in self.sent_before() {
            let slot = &self.slots[seq as usize & mask];
            if slot.stage == Stage::Resumed {
                output.put_ack(Ack::PubRel, slot.id, true, version);
            }
        }
    }

    /// The message has its PUBREC, and was not sent on this connection.
    pub fn resume_one(&mut self, usage: Use) {
        if let Some(place) = usage.message_behind(self.first) {
            let seq = self.first.wrapping_add(place);
            self.slots[seq as usize & (self.slots.len() - 1)].stage = Stage::Resumed;
        }
    }

    /// Ends a message that has its PUBREC and does not count as in flight.
    pub(super) fn finish_released(&mut self, seq: u32) {
        let place = seq as usize & (self.slots.len() - 1);
        self.slots[place].stage = Stage::Done;
        self.unfinished -= 1;
        if seq == self.first {
            self.pass_finished();
        }
    }

    fn change_sent(&mut self, change: impl Fn(Stage) -> Stage) {
        let mask = self.slots.len().wrapping_sub(1);
        for seq in self.sent_before() {
            let stage = &mut self.slots[seq as usize & mask].stage;
            *stage = change(*stage);
        }
    }

    /// The messages that were sent on any connection, and finished ones among them. They stand before all that
    /// were never sent.
    fn sent_before(&self) -> impl Iterator<Item = u32> + use<> {
        let is_sent = |seq: &u32| self.slot(*seq).is_some_and(|slot| !slot.waits());
        let count = self.seqs().take_while(is_sent).count();
        self.seqs().take(count)
    }
}
