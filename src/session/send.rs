//! Sends the packet of a message on its way, as its stage demands.

use super::output::Output;
use super::packets::Packets;
use super::slot::{Slot, Stage};
use crate::codec::{Ack, NoMemory, Rewrite, Version, encode};
use crate::time::Moment;

/// Sends the packet for the slot's stage. A PUBLISH that was sent before has DUP set.
#[inline(always)]
pub fn send(
    slot: &mut Slot,
    packets: &Packets,
    output: &mut Output,
    version: Version,
    now: Moment,
) -> Result<(), NoMemory> {
    match slot.stage {
        Stage::Queued if output.is_plain() => {
            let copy = output.put_publish(packets.get(slot.packet))?;
            encode::set_packet_id(copy, slot.id);
            slot.stage = Stage::Published;
        }
        Stage::Released | Stage::InDoubt => output.put_ack(Ack::PubRel, slot.id, true, version),
        Stage::Kept | Stage::Resumed | Stage::Done => {}
        _ => return send_changed(slot, packets, output, now),
    }
    slot.sent_at = now;
    Ok(())
}

/// Sends a PUBLISH that differs from the kept one in more than its identifier.
#[inline(never)]
fn send_changed(
    slot: &mut Slot,
    packets: &Packets,
    output: &mut Output,
    now: Moment,
) -> Result<(), NoMemory> {
    let packet = packets.get(slot.packet);
    let has_expiry = output.is_extended() && encode::has_expiry(packet.bytes());
    let rewrite = Rewrite {
        packet_id: Some(slot.id),
        dup: matches!(slot.stage, Stage::Published | Stage::Cancelled),
        expiry: has_expiry.then(|| slot.seconds_left(now)),
        ..Rewrite::default()
    };
    output.put_rewritten(packet, rewrite)?;
    if slot.stage != Stage::Cancelled {
        slot.stage = Stage::Published;
    }
    if !has_expiry {
        slot.sent_at = now;
    }
    Ok(())
}
