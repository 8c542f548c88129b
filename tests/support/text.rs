//! Packets and events as one line of text, so that a test can state a whole exchange.

use pmqtt::codec::{self, Header, Packet, Properties, Publish, Role, Version, property};
use pmqtt::session::Event;

/// What a client sends, packet by packet.
pub fn packets(mut bytes: Vec<u8>, version: Version) -> Vec<String> {
    let mut rest = &mut bytes[..];
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let header = codec::header(rest, Role::Broker, version)
            .expect("a well-formed header")
            .expect("a whole packet");
        let (whole, behind) = rest.split_at_mut(header.end);
        let decoded = codec::decode(whole, &header, version).expect("a well-formed packet");
        texts.push(packet(&header, &decoded));
        rest = behind;
    }
    texts
}

/// `PUBLISH q1 #7 dup payload`, `PUBREL #7`, `SUBSCRIBE #8 a/b:1`, `PINGREQ` ...
pub fn packet(header: &Header, packet: &Packet) -> String {
    match packet {
        Packet::Connect(_) => "CONNECT".into(),
        Packet::Publish(publish) => format!("PUBLISH {}", message(publish)),
        Packet::Ack(ack) => {
            let dup = if header.flags & 0b1000 != 0 {
                " dup"
            } else {
                ""
            };
            let reason = match ack.reason {
                0 => String::new(),
                reason => format!(" {reason:#04x}"),
            };
            format!("{} #{}{dup}{reason}", ack.ack.name(), ack.id)
        }
        Packet::Subscribe(subscribe) => {
            let filters = subscribe
                .filters
                .map(|(f, wish)| format!(" {f}:{}", wish.qos as u8));
            format!(
                "SUBSCRIBE #{}{}",
                subscribe.packet_id,
                filters.collect::<String>()
            )
        }
        Packet::Unsubscribe(unsubscribe) => {
            let filters = unsubscribe.filters.map(|(filter, _)| format!(" {filter}"));
            format!(
                "UNSUBSCRIBE #{}{}",
                unsubscribe.packet_id,
                filters.collect::<String>()
            )
        }
        Packet::PingReq => "PINGREQ".into(),
        Packet::Disconnect(disconnect) => match disconnect.reason {
            0 => "DISCONNECT".into(),
            reason => format!("DISCONNECT {reason:#04x}"),
        },
        Packet::Auth(auth) => format!("AUTH {:#04x}{}", auth.reason, auth_data(auth.properties)),
        other => panic!("a client must not send {other:?}"),
    }
}

/// `message q2 #7 payload`, `published 3`, `nothing` ...
pub fn event(event: &Event) -> String {
    match event {
        Event::None => "nothing".into(),
        Event::ConnAck(connack) => format!("connack {}", connack.return_code),
        Event::Authenticated(connack) => {
            format!("authenticated{}", auth_data(connack.properties))
        }
        Event::Challenged(auth) => format!("challenged{}", auth_data(auth.properties)),
        Event::Reauthenticated(auth) => format!("reauthenticated{}", auth_data(auth.properties)),
        Event::Message { publish, .. } => format!("message {}", message(publish)),
        Event::Published { mid } => format!("published {mid}"),
        Event::Downgraded { mid, is_first } => {
            let how = if *is_first { "first " } else { "" };
            format!("{how}published {mid} with PUBACK")
        }
        Event::InDoubt { mid } => format!("in doubt {mid}"),
        Event::Subscribed { mid, suback } => format!("subscribed {mid} {:?}", suback.granted),
        Event::Unsubscribed { mid, unsuback } => match unsuback.codes {
            [] => format!("unsubscribed {mid}"),
            codes => format!("unsubscribed {mid} {codes:?}"),
        },
        Event::Answered { mid, answer } => format!("published {mid} with {:#04x}", answer.reason),
        Event::Dismissed(disconnect) => format!("dismissed {:#04x}", disconnect.reason),
        Event::Unexpected(_) => "unexpected".into(),
    }
}

fn auth_data(properties: Properties) -> String {
    let data = properties.bytes(property::AUTH_DATA);
    data.map_or(String::new(), |data| format!(" {}", data.escape_ascii()))
}

fn message(publish: &Publish) -> String {
    let id = publish
        .packet_id
        .map_or(String::new(), |id| format!(" #{id}"));
    let dup = if publish.dup { " dup" } else { "" };
    let payload = String::from_utf8_lossy(publish.payload);
    format!("q{}{id}{dup} {payload}", publish.qos as u8)
}
