//! The topic aliases of the broker on this connection (section 3.3.2.3.4 of MQTT 5).

use std::num::NonZeroU16;

use crate::codec::topic::{Topic, TopicBuf};
use crate::codec::{Malformed, NoMemory, reason};

/// A topic takes memory once the broker has sent it with an alias.
#[derive(Default)]
pub struct InboundAliases {
    /// By alias.
    topics: Vec<TopicBuf>,
}

impl InboundAliases {
    /// Remembers the topic of a message with an alias, or if it is empty, returns the topic that the alias
    /// stands for. `maximum`: the topic alias maximum that CONNECT states.
    #[inline(never)]
    pub fn resolve<'a>(
        &'a mut self,
        alias: NonZeroU16,
        topic: Topic<'a>,
        maximum: u16,
    ) -> Result<Topic<'a>, Malformed> {
        let place = usize::from(alias.get()) - 1;
        if alias.get() > maximum {
            return Err(Malformed {
                reason: reason::ALIAS_INVALID,
                ..Malformed::protocol("a topic alias above the client's maximum [MQTT5-3.1.2-26]")
            });
        }
        if !topic.as_bytes().is_empty() {
            let remembered = self.remember(place, topic);
            return remembered.map(|()| topic).map_err(|NoMemory| Malformed {
                reason: reason::IMPLEMENTATION,
                ..Malformed::protocol("a topic alias for which there is no memory")
            });
        }
        let topic = self.topics.get(place).and_then(TopicBuf::get);
        topic.ok_or(Malformed::protocol(
            "a topic alias that stands for no topic (3.3.2.3.4)",
        ))
    }

    fn remember(&mut self, place: usize, topic: Topic) -> Result<(), NoMemory> {
        if place >= self.topics.len() {
            self.topics.try_reserve(place + 1 - self.topics.len())?;
            self.topics.resize_with(place + 1, TopicBuf::default);
        }
        self.topics[place].set(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{
        Alias, Buffer, Message, Packet, Properties, QoS, Rewrite, Role, Version, decode, encode,
        header,
    };
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    use std::collections::HashMap;

    const ABOVE_MAXIMUM: Result<Vec<u8>, u8> = Err(0x94);
    const UNKNOWN: Result<Vec<u8>, u8> = Err(0x82);

    /// A table, and the topic alias maximum of its connection.
    struct Table(InboundAliases, u16);

    fn table(maximum: u16) -> Table {
        Table(InboundAliases::default(), maximum)
    }

    /// Receives a message with an alias; without a topic, if that is empty. Returns the topic with the byte
    /// behind it, or the reason to leave the broker.
    fn receive(aliases: &mut Table, topic: &str, alias: u16) -> Result<Vec<u8>, u8> {
        let number = NonZeroU16::new(alias).expect("not 0");
        let (topic, alias) = match topic {
            "" => ("-", Alias::Use(number)),
            _ => (topic, Alias::Set(number)),
        };
        let message = Message {
            topic: topic.as_bytes(),
            payload: b"payload",
            qos: QoS::AtMostOnce,
            retain: false,
            properties: Some(Properties::NONE),
        };
        let mut plain = Buffer::default();
        encode::publish(&mut plain, &message.check().expect("it fits"), None).expect("memory");
        let rewrite = Rewrite {
            alias,
            ..Rewrite::default()
        };
        let rewritten = rewrite.of(&plain);
        let mut bytes = vec![0; rewritten.packet_len()];
        rewritten.write(&mut bytes);
        let header = header(&bytes, Role::Client, Version::V5);
        let header = header.expect("well-formed").expect("whole");
        let Ok(Packet::Publish(publish)) = decode(&mut bytes, &header, Version::V5) else {
            panic!("it is no PUBLISH");
        };
        assert_eq!(publish.topic_alias, Some(number));
        let Table(aliases, maximum) = aliases;
        let resolved = aliases.resolve(number, publish.topic, *maximum);
        assert_eq!(publish.payload, b"payload");
        resolved
            .map(|topic| topic.terminated().to_vec())
            .map_err(|malformed| malformed.reason)
    }

    fn terminated(topic: &str) -> Result<Vec<u8>, u8> {
        Ok(format!("{topic}\0").into_bytes())
    }

    #[test]
    fn an_alias_stands_for_the_topic_that_came_last_with_it() {
        for maximum in [1, 16, 1000, u16::MAX] {
            let mut rng = StdRng::seed_from_u64(maximum.into());
            let (mut aliases, mut topics) = (table(maximum), HashMap::new());
            for step in 0..2000 {
                let alias = rng.random_range(1..=maximum);
                if rng.random() {
                    let topic = format!("{step}/{}", "level/".repeat(rng.random_range(0..50)));
                    let received = receive(&mut aliases, &topic, alias);
                    assert_eq!(received, terminated(&topic));
                    topics.insert(alias, topic);
                }
                let known = topics.get(&alias);
                let expected = known.map_or(UNKNOWN, |topic| terminated(topic));
                assert_eq!(receive(&mut aliases, "", alias), expected);
            }
        }
    }

    #[test]
    fn each_alias_up_to_the_maximum_is_taken() {
        for maximum in [1, 16, u16::MAX] {
            let mut aliases = table(maximum);
            for alias in 1..=maximum {
                let topic = format!("topic/{alias}");
                assert_eq!(receive(&mut aliases, &topic, alias), terminated(&topic));
            }
            for alias in 1..=maximum {
                let topic = format!("topic/{alias}");
                assert_eq!(receive(&mut aliases, "", alias), terminated(&topic));
            }
        }
    }

    #[test]
    fn an_alias_above_the_maximum_ends_the_connection() {
        for maximum in [0, 1, 16] {
            let mut aliases = table(maximum);
            for alias in [maximum + 1, u16::MAX] {
                assert_eq!(receive(&mut aliases, "a/topic", alias), ABOVE_MAXIMUM);
                assert_eq!(receive(&mut aliases, "", alias), ABOVE_MAXIMUM);
            }
        }
    }

    #[test]
    fn an_alias_that_is_not_set_ends_the_connection() {
        let mut aliases = table(16);
        for alias in 1..=16 {
            assert_eq!(receive(&mut aliases, "", alias), UNKNOWN);
        }
        assert_eq!(receive(&mut aliases, "a/topic", 9), terminated("a/topic"));
        for alias in (1..=16).filter(|&alias| alias != 9) {
            assert_eq!(receive(&mut aliases, "", alias), UNKNOWN);
        }
    }
}
