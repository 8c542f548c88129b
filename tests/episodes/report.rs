//! Plays many episodes in parallel, and reports errors by kind.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::account::{Account, Wrong};
use super::episode::{Episode, MUCH_TOO_LATE};
use super::player;
use super::settings::{Kind, Settings, number, slack};

const THREADS: u64 = 32;

/// An episode that takes longer than this hangs.
const LONGEST: Duration = Duration::from_secs(10);

/// For how many episodes a record outlives its client, so that a late callback still finds it.
const KEPT: usize = 4;

/// Plays as many episodes as the environment requests, and fails if any has an error.
pub fn play_all(kind: Kind, otherwise: u64) {
    let first = number("PMQTT_SEED").unwrap_or(1);
    let count = number("PMQTT_EPISODES").unwrap_or(otherwise);
    let threads = number("PMQTT_THREADS").unwrap_or(THREADS).min(count);
    let table = &Table {
        next: AtomicU64::new(first),
        end: first + count,
        playing: Mutex::default(),
        report: Mutex::default(),
    };
    let began = Instant::now();
    thread::scope(|scope| {
        let players: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || table.play(kind, thread)))
            .collect();
        while players.iter().any(|player| !player.is_finished()) {
            thread::sleep(Duration::from_millis(20));
            table.check_for_hangs(kind);
        }
    });
    let report = table.report.lock();
    let late = MUCH_TOO_LATE.load(Ordering::Relaxed);
    println!("{kind:?}: {count} episodes from seed {first}, {report}");
    println!("{kind:?}: in {:.1} s", began.elapsed().as_secs_f32());
    assert!(report.wrong.is_empty(), "wrong episodes, see above");
    assert_eq!(late, 0, "callbacks after all");
}

struct Table {
    next: AtomicU64,
    end: u64,
    /// For each thread: the episode, and when it began.
    playing: Mutex<BTreeMap<u64, (Instant, Arc<Episode>)>>,
    report: Mutex<Report>,
}

/// All errors, by kind.
#[derive(Default)]
struct Report {
    requests: usize,
    wrong_episodes: u64,
    wrong: BTreeMap<&'static str, Example>,
}

/// How many episodes have this error, and the shortest of them.
#[derive(Default)]
struct Example {
    count: u64,
    seed: u64,
    detail: String,
    trace: String,
}

impl Table {
    fn play(&self, kind: Kind, thread: u64) {
        let mut kept = VecDeque::new();
        loop {
            let seed = self.next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.end {
                break;
            }
            let began = |episode: &Arc<Episode>| {
                let entry = (Instant::now(), Arc::clone(episode));
                self.playing.lock().insert(thread, entry);
            };
            kept.push_back(player::play(Settings::new(kind, seed), began));
            if kept.len() > KEPT {
                self.judge(kept.pop_front());
            }
        }
        self.playing.lock().remove(&thread);
        kept.into_iter()
            .for_each(|episode| self.judge(Some(episode)));
    }

    fn judge(&self, episode: Option<Arc<Episode>>) {
        let Some(episode) = episode else {
            return;
        };
        let mut record = episode.record();
        record.check();
        let (wrong, trace) = record.result();
        let mut report = self.report.lock();
        report.requests += record.accounts.iter().map(Account::requests).sum::<usize>();
        report.add(episode.settings.seed, wrong, trace);
    }

    fn check_for_hangs(&self, kind: Kind) {
        for (began, episode) in self.playing.lock().values() {
            if began.elapsed() > LONGEST * slack() {
                let seed = episode.settings.seed;
                let record = episode.record();
                eprintln!("{kind:?}: seed {seed} hangs: {}", record.result().1);
                std::process::abort();
            }
        }
    }
}

impl Report {
    fn add(&mut self, seed: u64, wrong: &[Wrong], trace: &str) {
        self.wrong_episodes += u64::from(!wrong.is_empty());
        let mut kinds: Vec<_> = wrong.iter().map(|wrong| wrong.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let first = wrong.iter().find(|wrong| wrong.kind == kind);
            let example = self.wrong.entry(kind).or_default();
            if example.count == 0 || trace.len() < example.trace.len() {
                example.seed = seed;
                example.detail = first.map(|wrong| wrong.detail.clone()).unwrap_or_default();
                example.trace = trace.into();
            }
            example.count += 1;
        }
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut Formatter) -> fmt::Result {
        write!(
            out,
            "{} requests: {} wrong episodes",
            self.requests, self.wrong_episodes
        )?;
        for (kind, example) in &self.wrong {
            let Example {
                count,
                seed,
                detail,
                trace,
            } = example;
            write!(
                out,
                "\n{count} times: {kind}\n  seed {seed}: {detail}{trace}"
            )?;
        }
        Ok(())
    }
}
