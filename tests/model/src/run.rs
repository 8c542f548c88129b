//! Plays a scenario with many schedules, which are the same in each run.
//!
//! | variable              | effect                                              |
//! |-----------------------|-----------------------------------------------------|
//! | `PMQTT_SCHEDULES`     | multiplies the number of schedules                  |
//! | `SHUTTLE_RANDOM_SEED` | chooses other schedules than the default ones       |
//! | `PMQTT_REPLAY`        | plays only this schedule, as shuttle has printed it |

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

use crate::world::sockets::Socket;
use crate::world::{self, broker};

const SEED: u64 = 1;

/// How often a thread gets ahead of the others, in the schedules that decide that beforehand.
const DEPTH: usize = 3;

/// This many schedules change threads at every point, and as many change seldom.
const SCHEDULES: usize = 2000;

/// Plays a scenario, each time in a new world. It fails if shuttle or the scenario finds a fault, if
/// `world` has recorded one, or if a connection stays open.
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
    // A thread that needs more steps is in an endless loop.
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
