//! A relay to a broker that can cut its connections.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

pub struct Relay {
    pub port: u16,
    /// Both ends of each connection since the last cut.
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub fn to(broker: u16) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a listener");
        let port = listener.local_addr().expect("its address").port();
        let streams = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&streams);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) else {
                    continue;
                };
                copy(&client, &broker);
                copy(&broker, &client);
                kept.lock().expect("the streams").extend([client, broker]);
            }
        });
        Relay { port, streams }
    }

    /// Ends all connections. Bytes that are on their way are lost, in both directions.
    pub fn cut(&self) {
        for stream in self.streams.lock().expect("the streams").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn copy(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (
        from.try_clone().expect("a descriptor"),
        to.try_clone().expect("a descriptor"),
    );
    thread::spawn(move || {
        let mut pass = || -> io::Result<()> {
            let mut bytes = [0; 4096];
            loop {
                match from.read(&mut bytes)? {
                    0 => return Ok(()),
                    count => to.write_all(&bytes[..count])?,
                }
            }
        };
        let _ = pass();
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    });
}
