//! What the program wants of the connection, and which callbacks are due. Pure: time is an
//! argument.
//!
//! | plan         | meaning                                   | the program connects anew, or gives up     |
//! |--------------|-------------------------------------------|--------------------------------------------|
//! | `Idle`       | there is no connection, and none is being | no callback                                |
//! |              | made                                      |                                            |
//! | `Due`        | the program has asked for a connection,   | anew: no callback, it is the same attempt; |
//! |              | which has not begun                       | gives up: `on_connect_fail`                |
//! | `Retry`      | the connection was lost; the client       | no callback: the loss was reported         |
//! |              | connects again after a delay              |                                            |
//! | `Again`      | the attempt goes on with another          | as `Underway`                              |
//! |              | connection, which has not begun           |                                            |
//! | `HandOver`   | `pmqtt_connect` has made a connection     | as `Underway`                              |
//! | `Underway`   | the driver has the connection, made or    | `on_disconnect` if announced, otherwise    |
//! |              | being made                                | `on_connect_fail`                          |

use std::time::Duration;

use super::backoff::Backoff;
use crate::time::Moment;
use crate::transport::{Address, ScopedIp};

/// `T` is a transport on its way to the driver.
pub struct Intent<T> {
    pub route: Option<Route>,
    /// Whether `reconnect` waits for the connection, as the last connect did.
    pub connect_blocks: bool,
    pub backoff: Backoff,
    /// The program asked for a connection, and not for its end since then.
    wanted: bool,
    plan: Plan<T>,
    /// Increases whenever the program replaces or gives up a connection. So a call that works on
    /// the old one without the lock notices it.
    epoch: u32,
    /// `on_disconnect` will report the end of the present connection, not `on_connect_fail`.
    announced: bool,
    /// The end that is about to be reported, unless `abandon` comes first.
    ended: Option<Ending>,
    /// A connection is closing, beside its successor if it has one.
    closing: bool,
    /// How many callbacks are due for connections that the program itself ended.
    disconnects_owed: u32,
    failures_owed: u32,
}

/// Where the program wants to connect to.
pub struct Route {
    /// Port 0 of a host stands for the default port.
    pub address: Address,
    /// The local address to connect from.
    pub bind: Option<Box<ScopedIp>>,
}

/// What the client does next about its connection.
enum Plan<T> {
    Idle,
    Due,
    Again,
    Retry { at: Moment },
    HandOver(T),
    Underway,
}

/// The callback that reports an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Disconnected,
    ConnectFailed,
}

impl<T> Default for Intent<T> {
    fn default() -> Intent<T> {
        Intent {
            route: None,
            connect_blocks: false,
            backoff: Backoff::default(),
            wanted: false,
            plan: Plan::Idle,
            epoch: 0,
            announced: false,
            ended: None,
            closing: false,
            disconnects_owed: 0,
            failures_owed: 0,
        }
    }
}

/// What the program decides.
impl<T> Intent<T> {
    /// Makes the driver begin a connection now, in place of any other.
    pub fn connect(&mut self) {
        self.wanted = true;
        self.supersede(Plan::Due);
    }

    /// What the broker has refused has changed. Returns true if the next attempt is earlier than planned.
    pub fn change(&mut self, now: Moment) -> bool {
        let was_refused = self.backoff.is_refused();
        self.backoff.changed();
        match &mut self.plan {
            Plan::Retry { at } if was_refused => {
                *at = (*at).min(now + self.backoff.wait());
                true
            }
            _ => false,
        }
    }

    /// Makes the driver take over a connection that was made elsewhere, in place of any other.
    pub fn hand_over(&mut self, transport: T) {
        self.wanted = true;
        self.supersede(Plan::HandOver(transport));
    }

    /// Drops the connection that was handed over.
    pub fn take_back(&mut self) {
        self.plan = Plan::Idle;
    }

    /// Notes that DISCONNECT follows what was taken, and that `on_disconnect` reports the end.
    pub fn disconnect(&mut self) {
        self.wanted = false;
        self.announced = true;
    }

    /// Gives up an attempt, as there is no connection to disconnect. Returns false if there is no
    /// attempt.
    pub fn give_up(&mut self) -> bool {
        self.wanted = false;
        let had_plan = !matches!(self.plan, Plan::Idle);
        if had_plan {
            self.supersede(Plan::Idle);
        }
        had_plan
    }

    /// Ends all connections without DISCONNECT and without a callback.
    pub fn abandon(&mut self) {
        *self = Intent {
            epoch: self.epoch.wrapping_add(1),
            ..Intent::default()
        };
    }

    /// Begins a connection for `loop_forever`, if one is wanted and there is none.
    pub fn resume(&mut self) {
        if self.wanted && matches!(self.plan, Plan::Idle) {
            self.plan = Plan::Due;
        }
    }
}

/// What happens to the connection.
impl<T> Intent<T> {
    /// Returns true if a connection is due now. The driver has it from then on.
    pub fn begin(&mut self, now: Moment) -> bool {
        let is_due = match self.plan {
            Plan::Due | Plan::Again => true,
            Plan::Retry { at } => at <= now,
            Plan::Idle | Plan::HandOver(_) | Plan::Underway => false,
        };
        if is_due {
            self.plan = Plan::Underway;
        }
        is_due
    }

    /// Hands the connection that was made elsewhere to the driver.
    pub fn take_over(&mut self) -> Option<T> {
        match std::mem::replace(&mut self.plan, Plan::Underway) {
            Plan::HandOver(transport) => Some(transport),
            plan => {
                self.plan = plan;
                None
            }
        }
    }

    /// Plans a new connection after a lost one, if one is wanted. Returns the delay.
    pub fn retry(&mut self, now: Moment) -> Option<Duration> {
        if !self.wanted || !matches!(self.plan, Plan::Idle) {
            return None;
        }
        let wait = self.backoff.wait();
        self.plan = Plan::Retry { at: now + wait };
        Some(wait)
    }

    /// The attempt goes on with another connection, at once.
    pub fn go_on(&mut self) {
        self.plan = Plan::Again;
    }

    /// The program is about to be told of the present connection.
    pub fn announce(&mut self) {
        self.announced = true;
    }

    /// The present connection, or the attempt at one, is over. `for_good`: the broker will refuse the same client
    /// again.
    pub fn end(&mut self, for_good: bool, now: Moment) {
        self.plan = Plan::Idle;
        self.backoff.ended(for_good, now);
        self.ended = Some(self.take_ending());
    }

    /// The callback that reports that end. Each end is returned once.
    pub fn take_ended(&mut self) -> Option<Ending> {
        self.ended.take()
    }

    /// Notes whether a connection is being closed in the background.
    pub fn set_closing(&mut self, closing: bool) {
        self.closing = closing;
    }

    /// The next callback that is due for a connection that the program itself ended.
    pub fn next_owed(&mut self) -> Option<Ending> {
        if self.disconnects_owed > 0 {
            self.disconnects_owed -= 1;
            return Some(Ending::Disconnected);
        }
        self.failures_owed = self.failures_owed.checked_sub(1)?;
        Some(Ending::ConnectFailed)
    }
}

/// The state of the connection.
impl<T> Intent<T> {
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Whether callbacks are due for connections that have ended.
    pub fn is_owed(&self) -> bool {
        self.disconnects_owed > 0 || self.failures_owed > 0 || self.ended.is_some()
    }

    /// Whether there is no connection, none being made, and none being closed.
    pub fn is_idle(&self) -> bool {
        matches!(self.plan, Plan::Idle) && !self.closing
    }

    /// Whether the driver has the connection.
    pub fn is_underway(&self) -> bool {
        matches!(self.plan, Plan::Underway)
    }

    /// Whether a connection waits for the driver to take it over.
    pub fn is_handed_over(&self) -> bool {
        matches!(self.plan, Plan::HandOver(_))
    }

    /// When the driver has something to begin.
    pub fn deadline(&self) -> Option<Moment> {
        match self.plan {
            Plan::Due | Plan::Again | Plan::HandOver(_) => Some(Moment::origin()),
            Plan::Retry { at } => Some(at),
            Plan::Idle | Plan::Underway => None,
        }
    }

    fn supersede(&mut self, plan: Plan<T>) {
        self.epoch = self.epoch.wrapping_add(1);
        let gives_up = matches!(plan, Plan::Idle);
        match std::mem::replace(&mut self.plan, plan) {
            // No callback is due if an attempt replaces one that has not begun. So a program can connect
            // in `on_connect_fail` without an endless series of calls.
            Plan::Due if !gives_up => {}
            Plan::Idle | Plan::Retry { .. } => {}
            Plan::Due | Plan::Again | Plan::HandOver(_) | Plan::Underway => {
                match self.take_ending() {
                    Ending::Disconnected => self.disconnects_owed += 1,
                    Ending::ConnectFailed => self.failures_owed += 1,
                }
            }
        }
    }

    fn take_ending(&mut self) -> Ending {
        match std::mem::take(&mut self.announced) {
            true => Ending::Disconnected,
            false => Ending::ConnectFailed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::origin();
    const LATER: Duration = Duration::from_secs(1000);

    type Made = Intent<&'static str>;

    /// A client in each of its plans, and the callback that is due for its end.
    fn plans() -> [(&'static str, Made, Option<Ending>); 8] {
        let due = || {
            let mut intent = Made::default();
            intent.connect();
            intent
        };
        let underway = || {
            let mut intent = due();
            assert!(intent.begin(NOW));
            intent
        };
        let with = |change: fn(&mut Made), mut intent: Made| {
            change(&mut intent);
            intent
        };
        let lost = with(
            |intent| assert_eq!(end(intent), Some(Ending::ConnectFailed)),
            underway(),
        );
        let retry = with(|intent| assert!(intent.retry(NOW).is_some()), lost);
        let again = with(Made::go_on, underway());
        let announced = with(Made::announce, underway());
        let disconnecting = with(Made::disconnect, underway());
        let made = with(|intent| intent.hand_over("made"), Made::default());
        [
            ("idle", Made::default(), None),
            ("due", due(), Some(Ending::ConnectFailed)),
            ("retry", retry, None),
            ("again", again, Some(Ending::ConnectFailed)),
            ("handed over", made, Some(Ending::ConnectFailed)),
            ("underway", underway(), Some(Ending::ConnectFailed)),
            ("announced", announced, Some(Ending::Disconnected)),
            ("disconnecting", disconnecting, Some(Ending::Disconnected)),
        ]
    }

    fn end(intent: &mut Made) -> Option<Ending> {
        intent.end(false, NOW);
        assert!(intent.is_owed());
        intent.take_ended()
    }

    fn owed(intent: &mut Made) -> Vec<Ending> {
        std::iter::from_fn(|| intent.next_owed()).collect()
    }

    #[test]
    fn what_is_replaced_is_told_of_once() {
        for (plan, mut intent, ending) in plans() {
            let epoch = intent.epoch();
            let ending = ending.filter(|_| plan != "due");
            intent.connect();
            assert_eq!(intent.epoch(), epoch + 1, "{plan}");
            assert_eq!(intent.is_owed(), ending.is_some(), "{plan}");
            assert_eq!(owed(&mut intent), Vec::from_iter(ending), "{plan}");
            assert!(!intent.is_owed() && intent.begin(NOW), "{plan}");
            assert_eq!(end(&mut intent), Some(Ending::ConnectFailed), "{plan}");
        }
    }

    #[test]
    fn what_is_given_up_is_told_of_once_and_not_made_again() {
        for (plan, mut intent, ending) in plans() {
            let was_idle = intent.is_idle();
            assert_eq!(intent.give_up(), !was_idle, "{plan}");
            assert_eq!(owed(&mut intent), Vec::from_iter(ending), "{plan}");
            assert!(intent.is_idle() && !intent.is_wanted(), "{plan}");
            assert_eq!(intent.retry(NOW), None, "{plan}");
            intent.resume();
            assert_eq!(intent.deadline(), None, "{plan}");
        }
    }

    #[test]
    fn what_is_abandoned_is_told_to_nobody() {
        for (plan, mut intent, _) in plans() {
            intent.set_closing(true);
            intent.end(false, NOW);
            let epoch = intent.epoch();
            intent.abandon();
            assert_eq!(intent.epoch(), epoch + 1, "{plan}");
            assert!(
                intent.is_idle() && !intent.is_wanted() && !intent.is_owed(),
                "{plan}"
            );
        }
    }

    #[test]
    fn what_ends_by_itself_is_told_by_whoever_ends_it_and_made_again() {
        for (plan, mut intent, ending) in plans() {
            if !intent.is_underway() {
                continue;
            }
            let is_wanted = intent.is_wanted();
            assert_eq!(end(&mut intent), ending, "{plan}");
            assert!(!intent.is_owed() && intent.is_idle(), "{plan}");
            assert_eq!(intent.retry(NOW).is_some(), is_wanted, "{plan}");
            assert!(!intent.begin(NOW), "{plan}: there is a pause first");
            assert_eq!(intent.begin(NOW + LATER), is_wanted, "{plan}");
        }
    }

    #[test]
    fn a_change_after_refusals_makes_the_next_attempt_earlier() {
        let second = Duration::from_secs(1);
        let mut intent = Made::default();
        intent.connect();
        for refusals in 1..=3 {
            assert!(intent.begin(NOW + LATER));
            intent.end(true, NOW);
            assert_eq!(intent.take_ended(), Some(Ending::ConnectFailed));
            let wait = intent.retry(NOW).expect("it is wanted");
            assert_eq!(wait >= 60 * second, refusals == 3, "{wait:?}");
        }
        assert!(intent.change(NOW + second));
        assert!(intent.deadline() <= Some(NOW + 9 * second));
        assert!(!intent.change(NOW + second));
    }

    #[test]
    fn what_was_made_elsewhere_is_taken_over_once() {
        for (plan, mut intent, ending) in plans() {
            intent.hand_over("new");
            assert_eq!(
                owed(&mut intent),
                Vec::from_iter(ending.filter(|_| plan != "due"))
            );
            assert!(intent.is_handed_over() && !intent.begin(NOW), "{plan}");
            assert_eq!(intent.take_over(), Some("new"), "{plan}");
            assert!(
                intent.is_underway() && intent.take_over().is_none(),
                "{plan}"
            );
        }
    }

    #[test]
    fn what_goes_on_begins_at_once_and_has_one_end() {
        for (plan, mut intent, ending) in plans() {
            if !intent.is_underway() {
                continue;
            }
            let epoch = intent.epoch();
            intent.go_on();
            assert!(!intent.is_idle() && !intent.is_owed(), "{plan}");
            assert_eq!(intent.deadline(), Some(NOW), "{plan}");
            assert!(intent.begin(NOW) && intent.is_underway(), "{plan}");
            assert_eq!(intent.epoch(), epoch, "{plan}");
            assert_eq!(end(&mut intent), ending, "{plan}");
        }
    }

    #[test]
    fn one_that_is_being_closed_is_not_idle() {
        let mut intent = Made::default();
        intent.set_closing(true);
        assert!(!intent.is_idle());
        intent.set_closing(false);
        assert!(intent.is_idle());
    }
}
