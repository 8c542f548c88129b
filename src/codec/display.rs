//! Packets as text for the log: identifiers and sizes, never a payload or a password.

use std::fmt::{Display, Formatter, Result};

use super::{
    Acknowledgement, ConnAck, Connect, Filters, Packet, Properties, Publish, SubAck, UnsubAck,
    property,
};

impl Display for Packet<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        match self {
            Packet::Connect(connect) => connect.fmt(f),
            Packet::ConnAck(connack) => connack.fmt(f),
            Packet::Publish(publish) => publish.fmt(f),
            Packet::Ack(ack) => ack.fmt(f),
            Packet::Subscribe(subscribe) => {
                write!(f, "SUBSCRIBE (id {}", subscribe.packet_id)?;
                list(f, subscribe.filters)?;
                end(f, subscribe.properties)
            }
            Packet::SubAck(suback) => suback.fmt(f),
            Packet::Unsubscribe(unsubscribe) => {
                write!(f, "UNSUBSCRIBE (id {}", unsubscribe.packet_id)?;
                list(f, unsubscribe.filters)?;
                end(f, unsubscribe.properties)
            }
            Packet::UnsubAck(unsuback) => unsuback.fmt(f),
            Packet::PingReq => f.write_str("PINGREQ"),
            Packet::PingResp => f.write_str("PINGRESP"),
            Packet::Disconnect(disconnect) => {
                with_reason(f, "DISCONNECT", disconnect.reason, disconnect.properties)
            }
            Packet::Auth(auth) => with_reason(f, "AUTH", auth.reason, auth.properties),
        }
    }
}

impl Display for Connect<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(
            f,
            "CONNECT ({:?}, client id '{}', keep alive {} s, clean session {}, will {}, \
             user name {}, password {}",
            self.version,
            self.client_id,
            self.keep_alive,
            yes_or_no(self.clean_session),
            yes_or_no(self.will.is_some()),
            yes_or_no(self.username.is_some()),
            yes_or_no(self.password.is_some()),
        )?;
        end(f, self.properties)
    }
}

impl Display for ConnAck<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        let present = yes_or_no(self.session_present);
        write!(
            f,
            "CONNACK (return code {}, session present {present}",
            self.return_code
        )?;
        end(f, self.properties)
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
            "QoS {}, retain {}, dup {}, '{}'",
            self.qos as u8,
            yes_or_no(self.retain),
            yes_or_no(self.dup),
            self.topic,
        )?;
        if let Some(alias) = self.topic_alias {
            write!(f, ", topic alias {alias}")?;
        }
        write!(f, ", {} bytes", self.payload.len())?;
        end(f, self.properties)
    }
}

impl Display for SubAck<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(
            f,
            "SUBACK (id {}, granted {:?}",
            self.packet_id, self.granted
        )?;
        end(f, self.properties)
    }
}

impl Display for Acknowledgement<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(f, "{} (id {}", self.ack.name(), self.id)?;
        if self.reason != 0 {
            write!(f, ", reason {:#04x}", self.reason)?;
        }
        end(f, self.properties)
    }
}

impl Display for UnsubAck<'_> {
    fn fmt(&self, f: &mut Formatter) -> Result {
        write!(f, "UNSUBACK (id {}", self.packet_id)?;
        if !self.codes.is_empty() {
            write!(f, ", codes {:?}", self.codes)?;
        }
        end(f, self.properties)
    }
}

/// In the words of MQTT 3 if there is nothing that only MQTT 5 can say.
fn with_reason(f: &mut Formatter, name: &str, reason: u8, properties: Properties) -> Result {
    f.write_str(name)?;
    if reason == 0 && properties.is_empty() {
        return Ok(());
    }
    write!(f, " (reason {reason:#04x}")?;
    end(f, properties)
}

/// The names of the properties, and the closing parenthesis. A value may be a secret.
fn end(f: &mut Formatter, properties: Properties) -> Result {
    for (index, (id, _)) in properties.into_iter().enumerate() {
        let name = property::property(id).map_or("", |property| property.name());
        let before = if index == 0 { ", with " } else { ", " };
        write!(f, "{before}{name}")?;
    }
    f.write_str(")")
}

fn list(f: &mut Formatter, filters: Filters) -> Result {
    for (filter, wish) in filters {
        write!(f, ", '{filter}'")?;
        if filters.with_wish {
            write!(f, " QoS {}", wish.qos as u8)?;
        }
    }
    Ok(())
}

fn yes_or_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
