//! Plays a scenario with many schedules: the same ones each time.
//!
//! | variable              | effect                                              |
//! |-----------------------|-----------------------------------------------------|
//! | `PMQTT_SCHEDULES`     | so many times as many schedules                     |
//! | `SHUTTLE_RANDOM_SEED` | others than those of every day                      |
//! | `PMQTT_REPLAY`        | only this one, as shuttle has printed it            |

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

use crate::world::sockets::Socket;
use crate::world::{self, broker};

const SEED: u64 = 1;

/// How often a thread gets ahead of the others where that is decided beforehand.
const DEPTH: usize = 3;

/// So many schedules that change threads at every point, and as many that do so seldom.
const SCHEDULES: usize = 2000;

/// Plays a scenario, which has a world of its own each time. A fault is what shuttle or the scenario
/// finds, what `world` has noted, or a connection that is left open.
pub fn check(scenario: fn()) {
    if let Ok(schedule) = env::var("PMQTT_REPLAY") {
        return play(ReplayScheduler::new_from_encoded(schedule.trim()), scenario);
    }
    let times = env::var("PMQTT_SCHEDULES").map_or(1, |times| times.parse().expect("a number"));
    let schedules = times * SCHEDULES;
    play(RandomScheduler::new_from_seed(SEED, schedules), scenario);
    play(
        PctScheduler::new_from_seed(SEED, DEPTH, schedules),
        scenario,
    );
}

fn play(scheduler: impl Scheduler + 'static, scenario: fn()) {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    // More is a thread that goes in a circle.
    config.max_steps = MaxSteps::FailAfter(100_000);
    config.silence_warnings = true;
    config
        .ungraceful_shutdown_config
        .immediately_return_on_panic = true;
    let played = catch_unwind(AssertUnwindSafe(|| run(scheduler, config, scenario)));
    played.unwrap_or_else(|failure| {
        world::print_notes();
        resume_unwind(failure);
    });
}

fn run(scheduler: impl Scheduler + 'static, config: Config, scenario: fn()) {
    Runner::new(scheduler, config).run(move || {
        world::begin();
        let broker = broker::begin();
        scenario();
        broker::leave();
        world::join(broker);
        world::wait_until(|world| world.threads == 1);
        let faults = world::look(|world| world.faults.clone());
        assert!(faults.is_empty(), "{faults:#?}");
        let is_open = |socket: &&Socket| !socket.closed;
        let open = world::look(|world| world.sockets.iter().filter(is_open).count());
        assert_eq!(open, 0, "connections are left open");
    });
}
