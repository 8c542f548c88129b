//! The bytes on their way to the socket, and which QoS 0 messages are among them.

use super::answers::Answers;
use super::at_most_once::{self, AtMostOnce};
use super::chunks::Packet;
use super::gather::Gather;
use super::outbound_aliases::OutboundAliases;
use crate::codec::{
    Ack, Acknowledgement, Alias, Buffer, GROWTH, MAX_REMAINING_LENGTH, NoMemory, PacketId,
    Properties, PropertyList, Publishable, Rewrite, TooLong, Version, encode, property,
};

/// A larger buffer is kept only if the bytes to write fill at least a quarter of it.
const KEPT: usize = 512 * 1024;

/// The bytes that a QoS 0 message counts for, in addition to its packet.
pub const MARK: usize = at_most_once::MARK;

#[derive(Default)]
pub struct Output {
    /// Encoded bytes that were not taken out for the socket.
    ready: Gather,
    /// The bytes of this connection that are not in the row of `ready`: those before it, and its
    /// payloads.
    base: u64,
    /// The bytes of this connection that the socket has taken.
    written: u64,
    /// The QoS 0 messages in the output.
    at_most_once: AtMostOnce,
    /// The acknowledgements in the output.
    pub answers: Answers,
    /// None between CONNACK and the end, in a session of MQTT 3.
    seldom: Option<Box<Seldom>>,
}

/// What is needed at the beginning and the end of a connection, and in MQTT 5.
#[derive(Default)]
struct Seldom {
    /// CONNECT and AUTH, until CONNACK arrives. All other packets wait until then.
    connect: Option<Buffer>,
    /// None in a session of MQTT 3, and before CONNACK.
    dialect: Option<Dialect>,
    /// How to leave the broker; None: with a DISCONNECT that says that all is well.
    farewell: Option<Farewell>,
}

/// How packets that were kept for MQTT 5 go out on this connection.
struct Dialect {
    /// Without aliases and with properties, as they are kept.
    is_plain: bool,
    strips: bool,
    /// The largest packet that can become longer by an alias.
    most: usize,
    aliases: OutboundAliases,
}

impl Dialect {
    /// How a packet of `len` bytes states its topic.
    fn choose(&mut self, topic: &[u8], len: usize) -> Alias {
        match self.strips || len > self.most {
            true => Alias::None,
            false => self.aliases.choose(topic),
        }
    }

    /// A packet that may have set an alias is not sent after all.
    #[cold]
    fn forget(&mut self) {
        self.aliases = OutboundAliases::new(0);
    }
}

enum Farewell {
    /// The reason and the properties of DISCONNECT, in MQTT 5.
    Said(u8, PropertyList),
    /// No DISCONNECT, so that the broker publishes the will.
    Silent,
}

impl Output {
    /// The next packet is encoded to the end of this buffer.
    #[inline(always)]
    pub fn buffer(&mut self) -> &mut Buffer {
        self.ready.row()
    }

    #[inline(always)]
    pub fn put_ack(&mut self, kind: Ack, id: PacketId, again: bool, version: Version) {
        encode::ack(self.buffer(), kind, id, again, version);
        self.answers.add();
    }

    /// An acknowledgement with a reason or properties. It is longer than others, but broker and program cause
    /// few of them.
    pub fn put_ack_with(&mut self, ack: &Acknowledgement) {
        if encode::ack_with(self.buffer(), ack).is_ok() {
            self.answers.add();
        }
    }

    /// Sends a PUBLISH of QoS 1 or 2; the session sends none before CONNACK. Returns the copy, at
    /// least that of the head, so that the caller can update it.
    #[inline(always)]
    pub fn put_publish(&mut self, packet: Packet) -> Result<&mut [u8], NoMemory> {
        match packet {
            Packet::Small(bytes) => {
                let copy = self.ready.row().try_extend(bytes.len())?;
                copy.copy_from_slice(bytes);
                Ok(copy)
            }
            Packet::Large(packet) => {
                let start = encode::head_len(packet);
                let head = self.ready.put_packet(start, packet, start)?;
                head.copy_from_slice(&packet[..start]);
                self.base += (packet.len() - start) as u64;
                Ok(head)
            }
        }
    }

    /// Sends a PUBLISH of any QoS in the dialect of the connection, and with the changes of `rewrite`.
    #[inline(never)]
    pub fn put_rewritten(&mut self, packet: Packet, mut rewrite: Rewrite) -> Result<(), NoMemory> {
        let seldom = self.seldom.as_mut();
        let Some(dialect) = seldom.and_then(|it| it.dialect.as_mut()) else {
            return self.put_kept(packet, rewrite);
        };
        rewrite.strip = dialect.strips;
        let bytes = packet.bytes();
        rewrite.alias = dialect.choose(encode::topic(bytes), bytes.len());
        let rewritten = rewrite.of(bytes);
        let put = match packet {
            Packet::Small(_) => {
                let room = self.ready.row().try_extend(rewritten.packet_len());
                room.map(|room| rewritten.write(room))
            }
            Packet::Large(packet) => {
                let start = rewritten.payload_start();
                let head = self.ready.put_packet(rewritten.head_len(), packet, start);
                head.map(|head| {
                    rewritten.write_head(head);
                    self.base += (packet.len() - start) as u64;
                })
            }
        };
        put.inspect_err(|NoMemory| dialect.forget())
    }

    /// Sends a PUBLISH of QoS 0, which the session does not keep.
    #[inline(always)]
    pub fn put_message(&mut self, message: &Publishable) -> Result<(), NoMemory> {
        match self.seldom.as_mut().and_then(|it| it.dialect.as_mut()) {
            Some(dialect) if !dialect.is_plain => {
                let rewrite = Rewrite {
                    alias: dialect.choose(message.topic, encode::publish_len(message)),
                    strip: dialect.strips,
                    ..Rewrite::default()
                };
                let rewritten = rewrite.of_message(message);
                let room = self.ready.row().try_extend(rewritten.packet_len());
                let put = room.map(|room| rewritten.write(room));
                put.inspect_err(|NoMemory| dialect.forget())
            }
            _ => encode::publish(self.buffer(), message, None),
        }
    }

    fn put_kept(&mut self, packet: Packet, rewrite: Rewrite) -> Result<(), NoMemory> {
        let copy = self.put_publish(packet)?;
        if let Some(id) = rewrite.packet_id {
            encode::set_packet_id(copy, id);
        }
        if rewrite.dup {
            encode::set_dup(copy);
        }
        Ok(())
    }

    /// Whether packets are kept in the form of MQTT 5.
    pub fn is_extended(&self) -> bool {
        self.dialect().is_some()
    }

    /// Whether packets go out as they are kept.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.dialect().is_none_or(|dialect| dialect.is_plain)
    }

    #[inline(always)]
    fn dialect(&self) -> Option<&Dialect> {
        self.seldom.as_ref()?.dialect.as_ref()
    }

    /// The connection is one of a session of MQTT 5. `aliases`: how many topic aliases it may use. `most`: the bytes
    /// of the largest packet that the broker takes. `strips`: it is of MQTT 3.1.1, and its packets have no
    /// properties.
    pub fn set_dialect(&mut self, aliases: u16, most: u32, strips: bool) {
        let most = MAX_REMAINING_LENGTH.min(most as usize);
        self.seldom.get_or_insert_default().dialect = Some(Dialect {
            is_plain: aliases == 0 && !strips,
            strips,
            most: most.saturating_sub(GROWTH),
            aliases: OutboundAliases::new(aliases),
        });
    }

    /// The packet encoded last is the QoS 0 message `mid`.
    #[inline(always)]
    pub fn mark_at_most_once(&mut self, mid: u64) {
        self.at_most_once.push(self.position(), mid);
    }

    /// DISCONNECT will say this.
    pub fn set_farewell(&mut self, reason: u8, properties: Properties) {
        let properties = PropertyList::of(properties);
        self.seldom.get_or_insert_default().farewell = Some(Farewell::Said(reason, properties));
    }

    /// There will be no DISCONNECT.
    pub fn leave_silently(&mut self) {
        self.seldom.get_or_insert_default().farewell = Some(Farewell::Silent);
    }

    /// Leaves the properties of DISCONNECT out, if they make it too large for the broker. The session expiry
    /// stays. [MQTT5-3.14.2-3] [MQTT5-3.14.2-4]
    pub fn fit_farewell(&mut self, most: u32) {
        let farewell = self.seldom.as_mut().and_then(|it| it.farewell.as_mut());
        if let Some(Farewell::Said(_, properties)) = farewell
            && !properties.get().fit(1, most)
        {
            let expiry = properties.get().number(property::SESSION_EXPIRY);
            *properties = PropertyList::default();
            if let Some(seconds) = expiry {
                properties.number(property::SESSION_EXPIRY, seconds);
            }
        }
    }

    /// The last packet of the connection, unless that ends without one.
    pub fn put_disconnect(&mut self) {
        let farewell = self.seldom.as_mut().and_then(|it| it.farewell.take());
        match farewell {
            Some(Farewell::Silent) => {}
            Some(Farewell::Said(reason, properties))
                if encode::disconnect_with(self.buffer(), reason, properties.get()).is_ok() => {}
            _ => encode::disconnect(self.buffer()),
        }
    }

    /// A connection begins: CONNECT is encoded by `put_early`, and other packets wait for `release`.
    pub fn hold(&mut self) {
        let seldom = self.seldom.get_or_insert_default();
        seldom.connect.get_or_insert_default();
    }

    #[inline(always)]
    fn connect(&self) -> Option<&Buffer> {
        self.seldom.as_ref()?.connect.as_ref()
    }

    /// Encodes CONNECT, or AUTH, which does not wait for CONNACK. Before CONNACK, no QoS 0 message of MQTT 5 has
    /// its mark in the output, which these bytes would move.
    pub fn put_early(
        &mut self,
        encode: impl FnOnce(&mut Buffer) -> Result<(), TooLong>,
    ) -> Result<(), TooLong> {
        let Some(connect) = self.seldom.as_mut().and_then(|it| it.connect.as_mut()) else {
            return encode(self.ready.row());
        };
        let before = connect.len();
        encode(connect)?;
        self.base += (connect.len() - before) as u64;
        Ok(())
    }

    /// Puts the waiting packets behind CONNECT. A broker may answer before the socket has taken all
    /// of CONNECT.
    pub fn release(&mut self) {
        let Some(seldom) = &mut self.seldom else {
            return;
        };
        if let Some(mut connect) = seldom.connect.take() {
            self.base -= connect.len() as u64;
            connect.append(self.ready.row());
            *self.ready.row() = connect;
        }
        self.seldom
            .take_if(|it| it.dialect.is_none() && it.farewell.is_none());
    }

    /// Drops the packets that wait for `release`. Returns the mids of all QoS 0 messages, which are
    /// lost.
    pub fn forgo(&mut self) -> impl Iterator<Item = u64> + use<> {
        self.ready.clear();
        self.release();
        std::mem::take(&mut self.at_most_once).into_mids()
    }

    pub fn has_ready(&self) -> bool {
        match self.connect() {
            Some(connect) => !connect.is_empty(),
            None => !self.ready.is_empty(),
        }
    }

    /// Exchanges the bytes that may be written for an empty buffer.
    pub fn take(&mut self, empty: &mut Gather) {
        debug_assert!(empty.is_empty());
        if let Some(connect) = self.seldom.as_mut().and_then(|it| it.connect.as_mut()) {
            return std::mem::swap(connect, empty.row());
        }
        let len = self.ready.row_len();
        if empty.capacity() > KEPT.max(4 * len) {
            *empty = Gather::default();
        }
        self.base += len as u64;
        std::mem::swap(&mut self.ready, empty);
    }

    /// The socket has taken `count` more bytes.
    pub fn written(&mut self, count: usize) {
        self.written += count as u64;
        self.answers.written(self.written, self.position());
    }

    /// The socket has taken all but `count` bytes. For a connection whose single writes are not
    /// reported.
    pub fn set_unwritten(&mut self, count: usize) {
        self.written = self.position() - count as u64;
    }

    /// Whether the socket has a whole QoS 0 message that was not popped yet.
    pub fn has_written(&self) -> bool {
        self.at_most_once.is_passed(self.written)
    }

    /// The next QoS 0 message that is wholly with the socket.
    #[inline(always)]
    pub fn pop_written(&mut self) -> Option<u64> {
        self.at_most_once.pop_passed(self.written)
    }

    /// Ends the connection. Returns the mids of the QoS 0 messages that were not written.
    pub fn reset(&mut self) -> impl Iterator<Item = u64> + use<> {
        std::mem::take(self).at_most_once.into_mids()
    }

    pub fn trim(&mut self) {
        self.ready.shrink();
        self.at_most_once.shrink();
    }

    /// Encoded bytes that the socket has not taken.
    pub fn unwritten(&self) -> usize {
        (self.position() - self.written) as usize
    }

    /// Whether the socket has not taken all bytes that were taken out for it.
    pub fn has_taken_out(&self) -> bool {
        let connect = self.connect().map_or(0, |connect| connect.len());
        self.unwritten() > self.ready.len() + connect
    }

    /// QoS 0 messages that the socket has not taken.
    pub fn at_most_once(&self) -> usize {
        self.at_most_once.len()
    }

    /// The bytes that the socket has not taken, plus the memory of their marks.
    pub fn bytes(&self) -> usize {
        self.unwritten() + MARK * self.at_most_once.len()
    }

    /// The end of the packet encoded last, as an argument for `is_written`.
    #[inline(always)]
    pub fn position(&self) -> u64 {
        self.base + self.ready.row_len() as u64
    }

    pub fn is_written(&self, position: u64) -> bool {
        self.written >= position
    }
}
