//! What a program that makes requests has in addition. Made by the first request.

use super::reply_topic::ReplyTopic;
use super::requests::Requests;

pub struct Requester {
    pub requests: Requests,
    pub topic: ReplyTopic,
    /// Responses that no request waits for, and messages of strangers.
    pub dropped: u64,
}

impl Requester {
    pub fn new(topic: ReplyTopic) -> Requester {
        Requester {
            requests: Requests::default(),
            topic,
            dropped: 0,
        }
    }
}
