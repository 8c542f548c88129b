//! A private mosquitto, for the length of a test.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Mosquitto {
    pub directory: PathBuf,
    pub port: u16,
}

impl Mosquitto {
    pub fn start() -> Mosquitto {
        Mosquitto::start_with(|_| String::new())
    }

    /// With additional configuration, for which `prepare` may put files into the directory.
    pub fn start_with(prepare: impl FnOnce(&Path) -> String) -> Mosquitto {
        let directory = new_directory();
        // Nothing has to survive a restart here, and to write each change to the disk takes long.
        let extra = format!("{}autosave_on_changes false\n", prepare(&directory));
        fs::write(directory.join("extra.conf"), extra).expect("extra.conf");
        let mut broker = Mosquitto { directory, port: 0 };
        // Another process may take a port that was free a moment ago.
        let started = (0..10).any(|_| {
            broker.port = free_port();
            broker.script("start")
        });
        assert!(started, "mosquitto does not start");
        broker
    }

    fn script(&self, verb: &str) -> bool {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/broker");
        let mut command = Command::new(script);
        command.arg(verb).arg(&self.directory);
        command
            .arg(self.port.to_string())
            .status()
            .expect("scripts/broker")
            .success()
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.script("kill");
        let _ = fs::remove_dir_all(&self.directory);
    }
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its number").port()
}

fn new_directory() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("pmqtt-oneshot-{}-{number}", std::process::id());
    let directory = std::env::temp_dir().join(name);
    fs::create_dir(&directory).expect("a directory of its own");
    directory
}

/// Runs a program that prepares something in a directory.
pub fn run(program: &str, directory: &Path, arguments: &str) {
    let mut command = Command::new(program);
    command
        .args(arguments.split_whitespace())
        .current_dir(directory);
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
