//! From bytes to packets, and the effect of each packet.

use std::io::{self, ErrorKind};

use super::Driver;
use super::step::{Pass, Step, Stop, malformed};
use super::{deliver, trace};
use crate::client::error::{Code, Error};
use crate::codec::{Packet, decode, reason};
use crate::session::Event;
use crate::sys::sync::MutexGuard;

/// How often one pass reads at most, so that other work is not delayed.
const READS: usize = 8;

impl Driver {
    /// Reads what has arrived, and handles each whole packet, as far as there is time.
    pub(super) fn receive(&mut self, pass: &mut Pass) -> Step {
        let result = self.read_and_handle(pass);
        self.input.release();
        result
    }

    fn read_and_handle(&mut self, pass: &mut Pass) -> Step {
        if self.unhandled {
            self.input.resume().map_err(lost)?;
            if !self.handle_all(pass)? {
                return Ok(());
            }
        }
        for _ in 0..READS {
            let most = self.check_size(pass)?;
            if !pass.state.session.admits_input() {
                break;
            }
            let Some(transport) = &mut self.transport else {
                return Err(Stop::Superseded);
            };
            let input = &mut self.input;
            let result = MutexGuard::unlocked(pass.state, || input.read(transport, most));
            pass.check_epoch()?;
            match result {
                Ok(0) => {
                    let text = "tcp: connection lost: the broker closed it";
                    return Err(Stop::Over(Error::new(Code::ConnLost, text)));
                }
                Ok(count) => {
                    pass.state.counters.bytes_in += count as u64;
                    pass.state.session.received(pass.now);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(lost(error)),
            }
            if !self.handle_all(pass)? {
                return Ok(());
            }
            if !self.input.may_have_more() {
                break;
            }
        }
        self.check_size(pass).map(drop)
    }

    /// The greatest size of a packet. A larger packet is refused as soon as its header has arrived.
    fn check_size(&self, pass: &Pass) -> Step<u32> {
        let most = pass.state.session.options().max_packet_size;
        match self.input.announced() {
            size if size > most => Err(too_large(size, most)),
            _ => Ok(most),
        }
    }

    /// Handles what was read. Returns false if the pass has to end before the end of it.
    fn handle_all(&mut self, pass: &mut Pass) -> Step<bool> {
        self.unhandled = true;
        loop {
            while self.input.has_message() && self.deliver_batch(pass)? {
                if pass.pace.is_pause_due() && !self.pause(pass)? {
                    return Ok(false);
                }
            }
            if !pass.state.session.has_limits() {
                self.handle_acks(pass)?;
            }
            if !self.handle_next(pass)? {
                break;
            }
            if pass.pace.is_pause_due() && !self.pause(pass)? {
                return Ok(false);
            }
        }
        self.unhandled = false;
        Ok(true)
    }

    /// Does what is due in the middle of a pass: sends PINGREQ, and writes. Returns false if the
    /// pass has to end: its time is over, or a callback has forked this child. Nothing counts as late here, because the answer may be among the bytes that
    /// are not handled yet.
    #[cold]
    fn pause(&mut self, pass: &mut Pass) -> Step<bool> {
        if pass.state.tenancy.is_in_child() {
            return Ok(false);
        }
        pass.now = pass.pace.now();
        pass.state.session.received(pass.now);
        pass.state.session.ping(pass.now, || self.sent());
        self.write(pass.state, pass.now)?;
        pass.pace.go_on();
        Ok(!pass.pace.is_over())
    }

    /// Handles the acknowledgements that come next. They are the most frequent and the shortest
    /// packets, so the general path would be long for them.
    #[inline(always)]
    fn handle_acks(&mut self, pass: &mut Pass) -> Step {
        let now = pass.now;
        while !pass.state.logs_packets()
            && let Some((ack, id)) = self.input.next_ack()
        {
            let looked = match pass.state.session.handle_ack(ack, id, now) {
                Ok(Event::None) => false,
                Ok(Event::Published { mid }) => deliver::acknowledged(pass, mid)?,
                Ok(event) => deliver::event(pass, event)?,
                Err(failure) => return Err(Stop::Over(failure.into())),
            };
            if looked && pass.pace.is_pause_due() {
                break;
            }
        }
        Ok(())
    }

    /// Handles the next packet. Returns false if no whole packet is left.
    #[inline(always)]
    fn handle_next(&mut self, pass: &mut Pass) -> Step<bool> {
        let version = pass.state.session.version();
        let (bytes, header) = match self.input.next_packet(version) {
            Ok(Some(next)) => next,
            Ok(None) => return Ok(false),
            Err(error) => return Err(malformed(error)),
        };
        let mut decoded = decode(bytes, &header, version);
        if let Ok(Packet::Publish(publish)) = &mut decoded
            && let Some(alias) = publish.topic_alias
        {
            let maximum = pass.state.session.alias_maximum();
            let aliases = &mut self.seldom.get_or_insert_default().aliases;
            let resolved = aliases.resolve(alias, publish.topic, maximum);
            publish.topic = resolved.map_err(malformed)?;
        }
        let packet = match &decoded {
            Ok(packet) => packet,
            Err(error) => return Err(malformed(*error)),
        };
        if pass.state.logs_packets() {
            trace::received(pass.state, packet);
            deliver::log_lines(pass.state, &mut pass.pace);
            pass.check_epoch()?;
        }
        let now = pass.state.sending_at(pass.now);
        match pass.state.session.handle(packet, now) {
            Ok(event) => deliver::event(pass, event)?,
            Err(failure) => return Err(Stop::Over(failure.into())),
        };
        Ok(true)
    }
}

#[cold]
fn too_large(size: u32, most: u32) -> Stop {
    let text = format!("mqtt: the broker sent a packet of {size} bytes; the limit is {most}");
    Stop::Over(Error::new(Code::PayloadSize, text).parting(reason::TOO_LARGE))
}

#[cold]
fn lost(error: io::Error) -> Stop {
    Stop::Over(Error::lost(&error))
}
