//! Whether a packet without an answer is sent again on the same connection.
//!
//! TCP neither loses nor reorders, so an answer that is late is mostly on its way, behind others or behind
//! a slow link. A second copy would only delay it, and some brokers take it for an error. So the
//! broker is asked first: PINGRESP shows that it has read all before PINGREQ.
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
    /// No later than the moment at which there is something to do.
    at: Option<Moment>,
    /// None: waiting.
    question: Option<Box<Question>>,
}

struct Question {
    /// What was sent at this moment or earlier was overdue when the broker was asked.
    overdue: Moment,
    /// So many PINGRESP are to come until that to our PINGREQ; 0: answered.
    pongs: u16,
}

/// What is to be done now.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    None,
    /// Send PINGREQ, then call `asked`.
    Ask,
    /// Send again what waits for an answer since this moment or earlier, then call `schedule`.
    SendAgain(Moment),
}

impl Retry {
    /// Something was sent that wants an answer within `time`, and nothing was due.
    #[inline(always)]
    pub fn arm(&mut self, time: Duration, now: Moment) {
        self.at = Some(now + time);
    }

    /// No packet waits for an answer.
    #[inline(always)]
    pub fn disarm(&mut self) {
        self.at = None;
    }

    /// Forgets the question, too.
    pub fn reset(&mut self) {
        *self = Retry::default();
    }

    #[inline(always)]
    pub fn due(&self) -> Option<Moment> {
        self.at
    }

    /// `at` is over. `oldest`: when the oldest packet was sent that waits for an answer and was not sent
    /// again; `is_all_acked`: the peer's TCP has all of our bytes.
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

    /// The oldest packet without an answer is the next to ask for.
    pub fn schedule(&mut self, time: Duration, oldest: Option<Moment>) {
        self.at = oldest.map(|at| at + time);
    }

    /// PINGREQ is sent, whose answer is the last of `pongs`.
    pub fn asked(&mut self, time: Duration, pongs: u16, now: Moment) {
        let overdue = now - time;
        self.question = Some(Box::new(Question { overdue, pongs }));
        self.at = None;
    }

    /// PINGRESP came. What is still not answered after the same time again will not be.
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

    /// The retry time is another one.
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

    /// One packet was sent at 0, and the broker was asked at 5.
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
        // What was sent meanwhile has its own question.
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
