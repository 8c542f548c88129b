//! Packets as text for the log: identifiers and sizes, never a payload or a password.

use std::fmt::{Display, Formatter, Result};

use super::{ConnAck, Connect, Filters, Packet, Publish, SubAck};

impl Display for Packet<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            Packet::Connect(connect) => connect.fmt(f),
            Packet::ConnAck(connack) => connack.fmt(f),
            Packet::Publish(publish) => publish.fmt(f),
            Packet::Ack(ack, id) => write!(f, "{} (id {id})", ack.name()),
            Packet::Subscribe(subscribe) => {
                write!(f, "SUBSCRIBE (id {}", subscribe.packet_id)?;
                list(f, subscribe.filters)
            }
            Packet::SubAck(suback) => suback.fmt(f),
            Packet::Unsubscribe(unsubscribe) => {
                write!(f, "UNSUBSCRIBE (id {}", unsubscribe.packet_id)?;
                list(f, unsubscribe.filters)
            }
            Packet::UnsubAck(id) => write!(f, "UNSUBACK (id {id})"),
            Packet::PingReq => f.write_str("PINGREQ"),
            Packet::PingResp => f.write_str("PINGRESP"),
            Packet::Disconnect => f.write_str("DISCONNECT"),
        }
    }
}

impl Display for Connect<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(
            f,
            "CONNECT ({:?}, client id '{}', keep alive {} s, clean session {}, will {}, \
             user name {}, password {})",
            self.version,
            self.client_id,
            self.keep_alive,
            yes_or_no(self.clean_session),
            yes_or_no(self.will.is_some()),
            yes_or_no(self.username.is_some()),
            yes_or_no(self.password.is_some()),
        )
    }
}

impl Display for ConnAck {
    fn fmt(&self, f: &mut Formatter) -> Result {
        let present = yes_or_no(self.session_present);
        write!(
            f,
            "CONNACK (return code {}, session present {present})",
            self.return_code
        )
    }
}

impl Display for Publish<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(f, "PUBLISH (")?;
        if let Some(id) = self.packet_id {
            write!(f, "id {id}, ")?;
        }
        write!(
            f,
            "QoS {}, retain {}, dup {}, '{}', {} bytes)",
            self.qos as u8,
            yes_or_no(self.retain),
            yes_or_no(self.dup),
            self.topic,
            self.payload.len(),
        )
    }
}

impl Display for SubAck<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(
            f,
            "SUBACK (id {}, granted {:?})",
            self.packet_id, self.granted
        )
    }
}

fn list(f: &mut Formatter, filters: Filters) -> Result {
    for (filter, qos) in filters {
        write!(f, ", '{filter}'")?;
        if filters.with_qos {
            write!(f, " QoS {}", qos as u8)?;
        }
    }
    f.write_str(")")
}

fn yes_or_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
