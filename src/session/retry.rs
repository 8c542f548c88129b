//! Whether a packet without an answer is sent again on the same connection.
//!
//! TCP neither loses nor reorders bytes. So a late answer is mostly on its way, behind other
//! packets or on a slow link. A second copy would only delay it, and some brokers treat it as an
//! error. So the client asks first: PINGRESP shows that the broker has read all packets before
//! PINGREQ.
//!
//! | state    | the retry time is over                                         | PINGRESP |
//! |----------|----------------------------------------------------------------|----------|
//! | waiting  | an answer is overdue: PINGREQ, asked                           |          |
//! | asked    |                                                                | answered |
//! | answered | bytes are on their way: once more. Else: send again, waiting   |          |

use std::time::Duration;

use crate::time::Moment;

#[derive(Default)]
pub struct Retry {
    /// The next deadline. It is never later than the moment at which there is something to do.
    at: Option<Moment>,
    /// None in the state `waiting`.
    question: Option<Box<Question>>,
}

struct Question {
    /// Packets sent at this moment or earlier were overdue when the client asked.
    overdue: Moment,
    /// How many PINGRESP are missing until the answer to our PINGREQ; 0: answered.
    pongs: u16,
}

/// What the caller has to do now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    None,
    /// Send PINGREQ, then call `asked`.
    Ask,
    /// Send the packets again that wait for an answer since this moment or earlier. Then call
    /// `schedule`.
    SendAgain(Moment),
}

impl Retry {
    /// A packet was sent that needs an answer within `time`, and no deadline was set.
    #[inline(always)]
    pub fn arm(&mut self, time: Duration, now: Moment) {
        self.at = Some(now + time);
    }

    /// No packet waits for an answer.
    #[inline(always)]
    pub fn disarm(&mut self) {
        self.at = None;
    }

    /// Also forgets the question.
    pub fn reset(&mut self) {
        *self = Retry::default();
    }

    #[inline(always)]
    pub fn due(&self) -> Option<Moment> {
        self.at
    }

    /// The deadline has passed.
    /// - `oldest`: when the oldest packet was sent that waits for an answer and was not sent again
    /// - `is_all_acked`: the peer's TCP has all of our bytes
    pub fn advance(
        &mut self,
        time: Duration,
        oldest: Option<Moment>,
        is_all_acked: bool,
        now: Moment,
    ) -> Step {
        match &self.question {
            None if oldest.is_some_and(|at| at + time <= now) => return Step::Ask,
            None => self.schedule(time, oldest),
            Some(question) if question.pongs > 0 => self.at = None,
            Some(_) if !is_all_acked => self.at = Some(now + time),
            Some(question) => {
                let overdue = question.overdue;
                self.question = None;
                return Step::SendAgain(overdue);
            }
        }
        Step::None
    }

    /// Sets the deadline for the oldest packet without an answer.
    pub fn schedule(&mut self, time: Duration, oldest: Option<Moment>) {
        self.at = oldest.map(|at| at + time);
    }

    /// PINGREQ was sent. Its answer is the last of `pongs` PINGRESP.
    pub fn asked(&mut self, time: Duration, pongs: u16, now: Moment) {
        let overdue = now - time;
        self.question = Some(Box::new(Question { overdue, pongs }));
        self.at = None;
    }

    /// PINGRESP came. A packet that is still unanswered after another retry time will not be
    /// answered.
    pub fn pong(&mut self, time: Duration, now: Moment) {
        if let Some(question) = &mut self.question
            && question.pongs > 0
        {
            question.pongs -= 1;
            if question.pongs == 0 {
                self.at = Some(now + time);
            }
        }
    }

    /// The retry time has changed.
    pub fn set_time(&mut self, time: Duration, oldest: Option<Moment>, now: Moment) {
        match &self.question {
            _ if time.is_zero() => self.reset(),
            None => self.schedule(time, oldest),
            Some(question) if question.pongs == 0 => {
                self.at = self.at.map(|at| at.min(now + time));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Moment {
        Moment::at(1000 + seconds, 0)
    }

    /// One packet was sent at 0, and the client asked at 5.
    fn asked() -> Retry {
        let mut retry = Retry::default();
        retry.arm(TIME, at(0));
        assert_eq!(retry.due(), Some(at(5)));
        assert_eq!(retry.advance(TIME, Some(at(0)), true, at(5)), Step::Ask);
        retry.asked(TIME, 1, at(5));
        assert_eq!(retry.due(), None);
        retry
    }

    #[test]
    fn without_an_answer_to_pingreq_nothing_is_sent_again() {
        let mut retry = asked();
        retry.arm(TIME, at(6));
        assert_eq!(retry.advance(TIME, Some(at(0)), true, at(11)), Step::None);
        assert_eq!(retry.due(), None);
    }

    #[test]
    fn what_was_overdue_is_sent_again_after_the_same_time() {
        let mut retry = asked();
        retry.pong(TIME, at(7));
        assert_eq!(retry.due(), Some(at(12)));
        let step = retry.advance(TIME, Some(at(0)), true, at(12));
        assert_eq!(step, Step::SendAgain(at(0)));
        // A packet that was sent meanwhile gets a question of its own.
        retry.schedule(TIME, Some(at(1)));
        assert_eq!(retry.due(), Some(at(6)));
        assert_eq!(retry.advance(TIME, Some(at(1)), true, at(12)), Step::Ask);
    }

    #[test]
    fn nothing_is_sent_again_while_bytes_are_on_their_way() {
        let mut retry = asked();
        retry.pong(TIME, at(5));
        for seconds in [10, 15, 20] {
            let now = at(seconds);
            assert_eq!(retry.due(), Some(now));
            assert_eq!(retry.advance(TIME, Some(at(0)), false, now), Step::None);
        }
        let step = retry.advance(TIME, Some(at(0)), true, at(25));
        assert_eq!(step, Step::SendAgain(at(0)));
    }

    #[test]
    fn the_answer_to_an_earlier_pingreq_says_nothing() {
        let mut retry = Retry::default();
        retry.asked(TIME, 2, at(5));
        retry.pong(TIME, at(6));
        assert_eq!(retry.due(), None);
        retry.pong(TIME, at(7));
        assert_eq!(retry.due(), Some(at(12)));
        retry.pong(TIME, at(9));
        assert_eq!(retry.due(), Some(at(12)));
    }

    #[test]
    fn what_is_not_overdue_yet_is_waited_for() {
        let mut retry = Retry::default();
        retry.arm(TIME, at(0));
        assert_eq!(retry.advance(TIME, Some(at(3)), true, at(5)), Step::None);
        assert_eq!(retry.due(), Some(at(8)));
        assert_eq!(retry.advance(TIME, None, true, at(8)), Step::None);
        assert_eq!(retry.due(), None);
    }

    #[test]
    fn another_time_applies_at_once() {
        let mut retry = Retry::default();
        retry.set_time(TIME, Some(at(0)), at(1));
        assert_eq!(retry.due(), Some(at(5)));
        let mut retry = asked();
        retry.set_time(TIME / 5, Some(at(0)), at(6));
        assert_eq!(retry.due(), None);
        retry.pong(TIME, at(7));
        retry.set_time(TIME / 5, Some(at(0)), at(8));
        assert_eq!(retry.due(), Some(at(9)));
        retry.set_time(Duration::ZERO, Some(at(0)), at(8));
        assert_eq!((retry.due(), retry.question.is_none()), (None, true));
    }
}
