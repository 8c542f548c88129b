//! The callbacks of a client under test: each records its event, and makes calls.

use std::ffi::c_void;
use std::sync::Arc;

use pmqtt::client::Handle;
use pmqtt::client::events::{
    ConnectFailed, Connected, Disconnected, Drained, Interest, MessageEvent, Published, Subscribed,
    Unsubscribed,
};
use pmqtt::ffi;

use super::account::Teller;
use super::episode::{Episode, Ticket};
use super::player;

/// Sets all callbacks; `on_interest` only in some episodes.
///
/// # Safety
/// The client lives, and its userdata is a ticket of this episode.
pub unsafe fn set_all(episode: &Episode, client: *mut Handle) {
    // SAFETY: the caller's promise is the same.
    unsafe {
        ffi::pmqtt_on_connect_set(client, Some(on_connect));
        ffi::pmqtt_on_connect_fail_set(client, Some(on_connect_fail));
        ffi::pmqtt_on_disconnect_set(client, Some(on_disconnect));
        ffi::pmqtt_on_message_set(client, Some(on_message));
        ffi::pmqtt_on_publish_set(client, Some(on_publish));
        ffi::pmqtt_on_drained_set(client, Some(on_drained));
        ffi::pmqtt_on_subscribe_set(client, Some(on_subscribe));
        ffi::pmqtt_on_unsubscribe_set(client, Some(on_unsubscribe));
        if episode.settings.on_interest {
            episode.record().sets_interest = true;
            ffi::pmqtt_on_interest_set(client, Some(on_interest));
            episode.record().sets_interest = false;
        }
    }
}

fn ticket<'a>(userdata: *mut c_void) -> &'a Ticket {
    // SAFETY: it was set to a ticket, which is kept for some episodes longer than the client.
    unsafe { &*userdata.cast::<Ticket>() }
}

fn event<'a, E>(event: *const E) -> &'a E {
    // SAFETY: the library hands over an event that lives through the callback.
    unsafe { &*event }
}

extern "C" fn on_connect(_: *mut Handle, userdata: *mut c_void, told: *const Connected) {
    let rc = event(told).rc;
    ticket(userdata).called(
        format_args!("C{rc}"),
        None,
        |account| account.connects += 1,
        play,
    );
}

extern "C" fn on_connect_fail(_: *mut Handle, userdata: *mut c_void, told: *const ConnectFailed) {
    let rc = event(told).rc;
    ticket(userdata).called(
        format_args!("F{rc}"),
        None,
        |account| account.connect_fails += 1,
        play,
    );
}

extern "C" fn on_disconnect(_: *mut Handle, userdata: *mut c_void, told: *const Disconnected) {
    let rc = event(told).rc;
    ticket(userdata).called(
        format_args!("D{rc}"),
        None,
        |account| account.disconnects += 1,
        play,
    );
}

extern "C" fn on_publish(_: *mut Handle, userdata: *mut c_void, told: *const Published) {
    let &Published { mid, rc, .. } = event(told);
    ticket(userdata).called(
        format_args!("P{mid}/{rc}"),
        None,
        |account| account.told(mid, Teller::Publish, rc),
        play,
    );
}

extern "C" fn on_subscribe(_: *mut Handle, userdata: *mut c_void, told: *const Subscribed) {
    let &Subscribed { mid, rc, .. } = event(told);
    ticket(userdata).called(
        format_args!("S{mid}/{rc}"),
        None,
        |account| account.told(mid, Teller::Subscribe, rc),
        play,
    );
}

extern "C" fn on_unsubscribe(_: *mut Handle, userdata: *mut c_void, told: *const Unsubscribed) {
    let &Unsubscribed { mid, rc, .. } = event(told);
    ticket(userdata).called(
        format_args!("U{mid}/{rc}"),
        None,
        |account| account.told(mid, Teller::Unsubscribe, rc),
        play,
    );
}

extern "C" fn on_drained(_: *mut Handle, userdata: *mut c_void, told: *const Drained) {
    let &Drained { last_mid } = event(told);
    let ticket = ticket(userdata);
    let is_alone = ticket.is_alone();
    ticket.called(
        format_args!("E{last_mid}"),
        None,
        |account| account.drained(last_mid, is_alone),
        play,
    );
}

extern "C" fn on_message(_: *mut Handle, userdata: *mut c_void, told: *const MessageEvent) {
    let &MessageEvent { mid, qos, .. } = event(told);
    ticket(userdata).called(
        format_args!("M{mid}q{qos}"),
        None,
        |_| {},
        |episode| player::take_message(episode, mid, qos),
    );
}

extern "C" fn on_interest(_: *mut Handle, userdata: *mut c_void, told: *const Interest) {
    let told = event(told);
    let letter = if told.closing { 'X' } else { 'I' };
    ticket(userdata).called(
        format_args!("{letter}{}", told.fd),
        Some(told),
        |_| {},
        player::play_in_interest,
    );
}

fn play(episode: &Arc<Episode>) {
    player::play_in_callback(episode);
}
