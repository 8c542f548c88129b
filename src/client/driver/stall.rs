//! A message that no connection gets past. If the broker closes the connection because of a
//! message, it does so again with each connection. Messages that were published later wait for
//! ever. The program is told which message it is.

use crate::client::state::State;
use crate::codec::encode;
use crate::session::Unanswered;

/// How many connections in a row have to end with the same message.
const PATIENCE: u8 = 3;

/// How many bytes of a topic the text contains.
const TOPIC: usize = 64;

/// A connection is ending. Returns a text about the oldest unanswered message, if the last
/// connections ended with the same one.
pub fn note(state: &mut State) -> Option<String> {
    let unanswered = state.session.oldest_unanswered()?;
    let (at, counters) = (unanswered.seq as u8, &mut state.counters);
    if counters.stalls == 0 || counters.stalled_at != at {
        counters.stalls = 0;
        counters.stalled_at = at;
    }
    counters.stalls = counters.stalls.saturating_add(1);
    (counters.stalls >= PATIENCE).then(|| {
        let message = describe(&unanswered);
        format!("{PATIENCE} or more connections in a row ended before {message} had its answer")
    })
}

fn describe(unanswered: &Unanswered) -> String {
    let Unanswered {
        mid, qos, packet, ..
    } = unanswered;
    let qos = *qos as u8;
    if packet.is_empty() {
        return format!("message {mid} (QoS {qos}, PUBREC came)");
    }
    let topic = encode::topic(packet);
    let part = String::from_utf8_lossy(&topic[..topic.len().min(TOPIC)]);
    let dots = if topic.len() > TOPIC { "..." } else { "" };
    format!(
        "message {mid} (QoS {qos}, {} bytes, topic \"{}{dots}\")",
        packet.len(),
        part.escape_debug()
    )
}
