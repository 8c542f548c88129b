//! The descriptors that `on_interest` has reported. Each is the same open file until the client
//! reports that it closes it.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::thread::{self, ThreadId};

use pmqtt::client::events::Interest;

use super::account::Wrong;

#[derive(Default)]
pub struct Watched {
    reported: BTreeMap<RawFd, Identity>,
    /// The threads that are inside `on_interest`.
    inside: Vec<ThreadId>,
}

/// Device and inode.
type Identity = (u64, u64);

impl Watched {
    /// `on_interest` begins. `may_nest`: it may run inside itself, because the program sets it
    /// there,
    /// and that calls it at once. A closing may also nest: if the program frees or reinitialises
    /// the
    /// client in `on_interest`, that call reports it.
    pub fn enter(&mut self, event: &Interest, may_nest: bool) -> Vec<Wrong> {
        let this = thread::current().id();
        let mut wrong = Vec::new();
        if self.inside.iter().any(|&thread| thread != this) {
            wrong.push(Wrong::new("on_interest in two threads at once", ""));
        } else if !self.inside.is_empty() && !may_nest && !event.closing {
            wrong.push(Wrong::new("on_interest inside itself", ""));
        }
        self.inside.push(this);
        // Checked before the event takes effect: no descriptor may be closed until now.
        wrong.extend(self.look());
        match event.fd {
            ..0 => {}
            fd if event.closing => {
                self.reported.remove(&fd);
            }
            fd => match identity(fd) {
                Some(identity) => {
                    self.reported.insert(fd, identity);
                }
                None => {
                    let detail = format!("descriptor {fd}");
                    wrong.push(Wrong::new(
                        "on_interest told of a closed descriptor",
                        detail,
                    ));
                }
            },
        }
        wrong
    }

    /// `on_interest` returns.
    pub fn leave(&mut self) {
        let this = thread::current().id();
        if let Some(at) = self.inside.iter().rposition(|&thread| thread == this) {
            self.inside.remove(at);
        }
    }

    /// Checks that all descriptors are still the same files. Reports each wrong one once.
    pub fn look(&mut self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        self.reported.retain(|&fd, &mut before| {
            let now = identity(fd);
            if now == Some(before) {
                return true;
            }
            let detail = format!("descriptor {fd} was {before:?} and is {now:?}");
            wrong.push(Wrong::new("closed without `closing`", detail));
            false
        });
        wrong
    }
}

/// None: the descriptor is not open.
fn identity(fd: RawFd) -> Option<Identity> {
    let mut status = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: fstat writes to a structure of its own type, whatever the descriptor is.
    let result = unsafe { libc::fstat(fd, status.as_mut_ptr()) };
    // SAFETY: it is filled in where fstat succeeds.
    (result == 0).then(|| unsafe {
        let status = status.assume_init();
        (status.st_dev, status.st_ino)
    })
}
