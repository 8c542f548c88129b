//! A program that uses a client: its callbacks, and a record of them.

use std::collections::{BTreeSet, HashMap};
use std::ffi::c_void;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use shuttle::thread::{self, ThreadId};

use crate::client::events::{
    Callback, ConnectFailed, Connected, Disconnected, Handle, Interest, LogLine, MessageEvent,
    Published,
};
use crate::client::{Address, Client, Error, Host, Result, Target, Version};
use crate::codec::{Message, QoS};
use crate::sys::Watch;
use crate::time::Moment;
use crate::world::{self, World};

#[derive(Default)]
pub struct Program {
    pub heard: Vec<Heard>,
    /// The descriptors that `on_interest` has reported, and not reported as closed.
    pub told: BTreeSet<RawFd>,
    /// The last reported descriptor and timeout, and whether the program has acted since.
    pub watch: Option<Watch>,
    pub deadline: Option<Moment>,
    pub has_news: bool,
    reporting: bool,
    freed_by: Option<ThreadId>,
    /// The call that freed the client has ended: no callback may run.
    freed: bool,
    /// How many calls and callbacks each thread is inside.
    calls: HashMap<ThreadId, usize>,
    hook: Option<Hook>,
}

#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub what: What,
    /// The thread that ran the callback.
    pub thread: ThreadId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Connected(i32),
    ConnectFailed(i32),
    Disconnected(i32),
    Published(u64, i32),
    Interest(Interest),
    Line,
    /// The packet identifier of the message.
    Message(u64),
}

type Hook = Arc<dyn Fn(What) + Send + Sync>;

/// A client with all callbacks except `on_interest`.
pub fn client() -> Arc<Client> {
    let client = Client::new(Some("model"), true, ptr::null_mut(), Version::V311);
    let client = client.expect("a client");
    set_callbacks(&client);
    client
}

pub fn set_callbacks(client: &Client) {
    client.set_callbacks(|callbacks| {
        callbacks.connect = Some(on_connect);
        callbacks.connect_fail = Some(on_connect_fail);
        callbacks.disconnect = Some(on_disconnect);
        callbacks.publish = Some(on_publish);
        callbacks.message = Some(on_message);
    });
}

/// A connected client.
pub fn connected() -> Arc<Client> {
    let client = client();
    connect(&client).expect("a connection");
    while count(|what| what == What::Connected(0)) == 0 {
        client.run_once(LONG).expect("a step");
    }
    client
}

/// Longer than anything takes.
pub const LONG: Duration = Duration::from_secs(3600);

pub fn connect(client: &Client) -> Result {
    call("connect", || client.connect(&target()))
}

pub fn connect_async(client: &Client) -> Result {
    call("connect_async", || client.connect_async(&target()))
}

/// The mid, if the message was accepted.
pub fn publish(client: &Client, qos: QoS) -> Option<u64> {
    let message = Message {
        topic: b"t",
        payload: b"payload",
        qos,
        retain: false,
        properties: None,
    };
    let mut mid = 0;
    let result = call("publish", || client.publish(message, &mut mid));
    result.ok().map(|()| mid)
}

/// Another thread of the program.
pub fn spawn(client: &Arc<Client>, body: impl FnOnce(&Arc<Client>) + Send + 'static) -> u32 {
    let client = Arc::clone(client);
    world::spawn(move || body(&client))
}

/// A call of the program. No call begins once the client is freed; a call that has begun may continue.
pub fn call(name: &str, call: impl FnOnce() -> Result) -> Result {
    let me = thread::current().id();
    let is_legal = world::change(|world| {
        *world.program.calls.entry(me).or_default() += 1;
        !world.program.freed
    });
    let result = match is_legal {
        true => {
            world::note(|| format!("{name} begins"));
            call()
        }
        false => Err(Error::no_connection()),
    };
    let shown = result.as_ref().map_err(|error| error.text.clone());
    world::note(|| format!("{name} ends: {shown:?}"));
    world::change(|world| end_call(world, me));
    result
}

/// In a callback, the client ends with the call that runs the callback.
pub fn free(client: &Client) {
    let me = thread::current().id();
    let free = || {
        world::change(|world| world.program.freed_by = Some(me));
        client.free();
        Ok(())
    };
    let _ = call("free", free);
}

pub fn step(client: &Client) -> Result {
    call("loop_read", || client.step(true))
}

pub fn time_out(client: &Client) -> Result {
    call("loop_misc", || client.time_out())
}

pub fn run_once(client: &Client) -> Result {
    yield_after_error(call("loop", || client.run_once(LONG)))
}

/// A program that tries again at once must let other threads run.
fn yield_after_error(result: Result) -> Result {
    result.inspect_err(|_| thread::yield_now())
}

pub fn run_forever(client: &Client) -> Result {
    call("loop_forever", || client.run_forever(true))
}

pub fn reconnect(client: &Client) -> Result {
    call("reconnect", || client.reconnect())
}

pub fn drain(client: &Client) -> Result {
    call("drain", || client.drain(LONG).0)
}

pub fn disconnect(client: &Client) -> Result {
    call("disconnect", || client.disconnect())
}

pub fn start(client: &Arc<Client>) -> Result {
    call("loop_start", || client.start_thread())
}

pub fn stop(client: &Client) -> Result {
    call("loop_stop", || client.stop_thread())
}

pub fn reinitialise(client: &Client) -> Result {
    let again = || client.reinitialise(Some("again"), true, ptr::null_mut());
    call("reinitialise", again)
}

pub fn set_interest(client: &Client) {
    let set = || {
        client.set_interest(Some(ON_INTEREST));
        Ok(())
    };
    let _ = call("interest_callback_set", set);
}

pub fn set_log(client: &Client) {
    client.set_callbacks(|callbacks| callbacks.set_log(Some(on_log)));
}

/// What each callback does in addition.
pub fn set_hook(hook: impl Fn(What) + Send + Sync + 'static) {
    world::change(|world| world.program.hook = Some(Arc::new(hook)));
}

/// How many recorded callbacks match.
pub fn count(is: impl Fn(What) -> bool) -> usize {
    world::look(|world| world.program.count(is))
}

/// A foreign loop that uses `on_interest`, until `so` holds.
pub fn foreign_loop(client: &Client, so: impl Fn(&World) -> bool + Copy + 'static) {
    while !world::look(so) {
        let deadline = world::look(|world| world.program.deadline);
        let ready = world::begin_sleep(deadline, move |world| {
            let program = &world.program;
            let ready = program.watch.is_some_and(|watch| world.is_ready(watch));
            2 * ready as usize + (program.has_news || so(world)) as usize
        });
        let ready = ready.wait();
        world::change(|world| world.program.has_news = false);
        // Callbacks report the errors, too.
        let _ = yield_after_error(match ready {
            0 => client.time_out(),
            1 => Ok(()),
            _ => client.step(true),
        });
    }
}

/// A loop that uses the event descriptor, until `so` holds.
pub fn event_loop(client: &Client, so: impl Fn(&World) -> bool + Copy + 'static) {
    let watch = world::files::reading(client.event_fd().expect("a descriptor"));
    while !world::look(so) {
        let ready = move |world: &World| (world.is_ready(watch) || so(world)) as usize;
        world::begin_sleep(None, ready).wait();
        let _ = yield_after_error(client.process());
    }
}

fn target() -> Target<'static> {
    Target {
        address: Address::Host(Host {
            name: "broker".into(),
            port: 0,
        }),
        keep_alive: 0,
        bind_address: None,
    }
}

impl Program {
    pub fn count(&self, is: impl Fn(What) -> bool) -> usize {
        self.heard.iter().filter(|heard| is(heard.what)).count()
    }

    /// How many messages have an outcome.
    pub fn published(&self) -> usize {
        self.count(|what| matches!(what, What::Published(..)))
    }
}

fn end_call(world: &mut World, thread: ThreadId) {
    let program = &mut world.program;
    let calls = program.calls.entry(thread).or_default();
    *calls -= 1;
    if *calls == 0 && program.freed_by == Some(thread) && !program.freed {
        program.freed = true;
        let is_open = world.sockets.iter().any(|socket| !socket.closed);
        if is_open {
            world.faults.push("freed, and a connection is open".into());
        }
    }
}

impl What {
    pub fn is_end(self) -> bool {
        matches!(self, What::ConnectFailed(_) | What::Disconnected(_))
    }
}

/// No panic may leave a callback: what is wrong is recorded as a fault of the world.
fn hear(what: What) {
    world::note(|| format!("{what:?} is told"));
    world::switch();
    let hook = world::change(|world| {
        begin_callback(world, what);
        world.program.hook.clone()
    });
    if let Some(hook) = hook {
        hook(what);
    }
    world::switch();
    world::change(|world| {
        let now = world.clock;
        end_callback(&mut world.program, what, now);
    });
    world::note(|| "its callback ends".to_owned());
}

fn begin_callback(world: &mut World, what: What) {
    let program = &mut world.program;
    let thread = thread::current().id();
    *program.calls.entry(thread).or_default() += 1;
    program.heard.push(Heard { what, thread });
    if program.freed {
        let text = format!("{what:?} after the client was freed");
        world.faults.push(text);
    }
    if let What::Interest(interest) = what {
        if program.reporting {
            world.faults.push("on_interest runs twice at once".into());
        }
        program.reporting = true;
        if !interest.closing && interest.fd >= 0 {
            program.told.insert(interest.fd);
        }
    }
}

fn end_callback(program: &mut Program, what: What, now: Moment) {
    *program.calls.entry(thread::current().id()).or_default() -= 1;
    let What::Interest(interest) = what else {
        return;
    };
    program.reporting = false;
    program.has_news = true;
    if interest.closing {
        program.told.remove(&interest.fd);
        program.watch.take_if(|watch| watch.fd == interest.fd);
        return;
    }
    program.watch = (interest.fd >= 0).then_some(Watch {
        fd: interest.fd,
        read: interest.read,
        write: interest.write,
    });
    let timeout = u64::try_from(interest.timeout_ms).ok();
    program.deadline = timeout.map(|ms| now + Duration::from_millis(ms));
}

const ON_INTEREST: Callback<Interest> = on_interest;

extern "C" fn on_connect(_: *mut Handle, _: *mut c_void, event: *const Connected) {
    // SAFETY: a callback's event is valid until it returns.
    hear(What::Connected(unsafe { &*event }.rc));
}

extern "C" fn on_connect_fail(_: *mut Handle, _: *mut c_void, event: *const ConnectFailed) {
    // SAFETY: as above.
    hear(What::ConnectFailed(unsafe { &*event }.rc));
}

extern "C" fn on_disconnect(_: *mut Handle, _: *mut c_void, event: *const Disconnected) {
    // SAFETY: as above.
    hear(What::Disconnected(unsafe { &*event }.rc));
}

extern "C" fn on_publish(_: *mut Handle, _: *mut c_void, event: *const Published) {
    // SAFETY: as above.
    let Published { mid, rc, .. } = *unsafe { &*event };
    hear(What::Published(mid, rc));
}

extern "C" fn on_message(_: *mut Handle, _: *mut c_void, event: *const MessageEvent) {
    // SAFETY: as above.
    hear(What::Message(unsafe { &*event }.mid));
}

extern "C" fn on_log(_: *mut Handle, _: *mut c_void, _: *const LogLine) {
    hear(What::Line);
}

extern "C" fn on_interest(_: *mut Handle, _: *mut c_void, event: *const Interest) {
    // SAFETY: as above.
    hear(What::Interest(*unsafe { &*event }));
}
