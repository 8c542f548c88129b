//! Random episodes of the whole client, through its C ABI, with a complete account of its requests
//! and reports.
//!
//! Three environment variables choose the episodes: `PMQTT_EPISODES` is their number, `PMQTT_SEED`
//! the
//! first seed, and `PMQTT_THREADS` how many run in parallel. An episode mostly waits.
//! With one thread, the seed decides everything except when sockets are ready.
//!
//! A busy machine must not fail an episode. So a call may take ten times its limit in the header,
//! and
//! at least ten seconds. With `PMQTT_TEST_SLOW`, both times are ten times as long.
//!
//! A trace has a call as `name=result`, and a callback as `name{calls inside it}`. C, F and D are
//! `on_connect`, `on_connect_fail` and `on_disconnect`; P, S, U and M are `on_publish`,
//! `on_subscribe`, `on_unsubscribe` and `on_message`; E is `on_drained`; I and X are `on_interest`, X for closing.

mod account;
mod api;
mod broker;
mod callbacks;
mod episode;
mod player;
mod record;
mod report;
mod settings;
mod stopwatch;
mod trace;
mod watched;

use report::play_all;
use settings::Kind;

#[test]
fn one_thread() {
    play_all(Kind::OneThread, 2000);
}

#[test]
fn loop_thread() {
    play_all(Kind::LoopThread, 500);
}
