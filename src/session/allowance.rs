//! How many messages of QoS 1 and 2 the broker may still send before the client answers: the receive maximum that
//! CONNECT stated (sections 3.1.2.11.3 and 4.9 of MQTT 5).

use std::collections::VecDeque;

use super::output::Output;

pub struct Allowance {
    left: u32,
    /// The ends, in the output, of the answers that the socket has not taken. Each allows one more message.
    answers: VecDeque<u64>,
}

impl Allowance {
    /// None if the client has stated no maximum.
    pub fn new(maximum: u16) -> Option<Allowance> {
        let allowance = Allowance {
            left: maximum.into(),
            answers: VecDeque::new(),
        };
        (maximum > 0).then_some(allowance)
    }

    /// PUBACK, PUBCOMP or a PUBREC that refuses is the last packet in the output. The answers to PUBRELs of an
    /// earlier connection count as well: the client cannot know whether they reached the broker before or
    /// after it sent a message, and the broker may only use those that came after.
    pub fn answered(&mut self, output: &Output) {
        self.collect(output);
        self.answers.push_back(output.position());
    }

    /// A message has arrived. Returns false if it is one too many.
    pub fn take_one(&mut self, output: &Output) -> bool {
        self.collect(output);
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }

    /// Counts the answers that the socket has taken.
    fn collect(&mut self, output: &Output) {
        while let Some(&end) = self.answers.front()
            && output.is_written(end)
        {
            self.answers.pop_front();
            self.left = self.left.saturating_add(1);
        }
    }
}
