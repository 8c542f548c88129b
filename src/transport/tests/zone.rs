//! Addresses that state their interface. tests-c/zones.sh has the tests that need more than the
//! loopback device.

use super::*;

/// The name and the number of the loopback device.
const NAMES: [&str; 2] = match cfg!(target_os = "linux") {
    true => ["lo", "1"],
    false => ["lo0", "1"],
};

/// None: this machine has no IPv6.
fn listener() -> Option<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("[::1]:0").ok()?;
    let address = listener.local_addr().unwrap();
    Some((listener, address))
}

#[test]
fn an_address_with_a_zone_is_connected_to_and_from() {
    let Some((listener, address)) = listener() else {
        return;
    };
    for name in NAMES {
        for host in [format!("::1%{name}"), format!("[::1%{name}]")] {
            let mut endpoint = endpoint(&host, address.port());
            for bind in [None, Some(format!("::1%{name}"))] {
                endpoint.bind = bind.map(|bind| bind.parse().unwrap());
                assert!(open(&endpoint).unwrap().is_open());
                listener.accept().unwrap();
            }
        }
    }
}

#[test]
fn a_zone_that_is_no_interface_is_an_error_and_no_question_of_dns() {
    let unasked = resolver(|host| panic!("{host} was asked for"));
    for host in ["fe80::1%nowhere", "[fe80::1%nowhere]"] {
        let endpoint = endpoint(host, 1);
        let error = failure(Transport::connect(&endpoint, &unasked, sys::now()));
        assert_eq!(
            error.to_string(),
            format!("dns: {host}: there is no interface nowhere")
        );
        assert!(!error.invalid && !error.timed_out);
    }
    let from = Endpoint {
        bind: Some("fe80::2%nowhere".parse().unwrap()),
        ..endpoint("::1", 1)
    };
    let error = failure(Transport::connect(&from, &unasked, sys::now()));
    assert_eq!(
        error.to_string(),
        "tcp: [::1]:1 from fe80::2%nowhere: there is no interface nowhere"
    );
}

#[cfg(feature = "tls")]
mod tls {
    use super::*;
    use crate::transport::tests::tls_server::{identity_for, server, verifying};
    use openssl::ssl::{NameType, Ssl};

    #[test]
    fn a_zone_is_no_part_of_the_name_for_tls() {
        let Some((listener, address)) = listener() else {
            return;
        };
        let (certificate, key) = identity_for("::1");
        let tls = verifying(&certificate);
        let [name, number] = NAMES;
        let hosts = [
            format!("::1%{name}"),
            format!("[::1%{name}]"),
            format!("::1%{number}"),
            "::1".to_owned(),
        ];
        let count = hosts.len();
        let context = server(&certificate, &key);
        let server = thread::spawn(move || {
            let serve = |_| {
                let ssl = Ssl::new(&context).unwrap();
                let mut stream = ssl.accept(listener.accept().unwrap().0).unwrap();
                stream.write_all(b"x").unwrap();
                let _ = stream.read(&mut [0]);
                let name = stream.ssl().servername(NameType::HOST_NAME);
                (name.map(str::to_owned), stream.ssl().session_reused())
            };
            (0..count).map(serve).collect::<Vec<_>>()
        });
        for host in hosts {
            let mut transport = open(&Endpoint {
                tls: Some(tls.clone()),
                ..endpoint(&host, address.port())
            })
            .unwrap();
            // The session arrives before the data.
            while transport.read(&mut [0; 16]).is_err() {
                ready(&transport, false);
            }
        }
        let sessions = [false, true, true, true].map(|is_resumed| (None, is_resumed));
        assert_eq!(server.join().unwrap(), sessions);
    }
}
