//! Exchanges with a server that is right, wrong or hostile.

use super::*;
use openssl::error::ErrorStack;
use openssl::rsa::Rsa;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;

// The exchange of RFC 7677 section 3.
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                            p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn exchange() -> Exchange {
    let scram = Scram::new("user", "pencil").unwrap();
    scram.begin_with(NONCE.to_owned())
}

/// The answer to the server's first message of RFC 7677.
fn answer(user: &str, password: &str) -> Final {
    let scram = Scram::new(user, password).unwrap();
    let exchange = scram.begin_with(NONCE.to_owned());
    let work = exchange.challenge(SERVER_FIRST.as_bytes());
    work.ok().unwrap().run().ok().unwrap()
}

fn refusal_of_first(message: impl AsRef<[u8]>) -> Option<Refusal> {
    exchange().challenge(message.as_ref()).err()
}

fn refusal_of_final(message: impl AsRef<[u8]>) -> Option<Refusal> {
    let right = Final {
        message: CLIENT_FINAL.to_owned(),
        servers: attributes::bytes(&SERVER_FINAL[2..])
            .unwrap()
            .try_into()
            .unwrap(),
    };
    right.verify(message.as_ref()).err()
}

fn malformed(why: &'static str) -> Option<Refusal> {
    Some(Refusal::Malformed(why))
}

const NO_ATTRIBUTE: &str = "an attribute is not a letter, = and a value";
const MISPLACED: &str = "an attribute is not in its place";

#[test]
fn the_exchange_of_rfc_7677() {
    let exchange = exchange();
    assert_eq!(exchange.message(), CLIENT_FIRST.as_bytes());
    let work = exchange.challenge(SERVER_FIRST.as_bytes()).ok().unwrap();
    let answer = work.run().ok().unwrap();
    assert_eq!(answer.message(), CLIENT_FINAL.as_bytes());
    assert_eq!(answer.verify(SERVER_FINAL.as_bytes()), Ok(()));
}

#[test]
fn the_work_can_be_done_in_another_thread() {
    let work = exchange().challenge(SERVER_FIRST.as_bytes()).ok().unwrap();
    let answer = std::thread::spawn(|| work.run()).join().unwrap();
    assert_eq!(answer.ok().unwrap().message(), CLIENT_FINAL.as_bytes());
}

#[test]
fn the_nonce_is_printable_and_fresh_for_each_exchange() {
    let scram = Scram::new("user", "pencil").unwrap();
    let messages: BTreeSet<Vec<u8>> = (0..1000)
        .map(|_| scram.begin().unwrap().message().to_vec())
        .collect();
    assert_eq!(messages.len(), 1000);
    for message in messages {
        let nonce = message.strip_prefix(b"n,,n=user,r=").unwrap();
        assert_eq!(nonce.len(), 32);
        assert!(nonce.iter().all(|c| c.is_ascii_graphic() && *c != b','));
    }
}

#[test]
fn a_user_name_may_contain_commas_and_equals_signs() {
    for (user, escaped) in [
        ("a,b=c", "a=2Cb=3Dc"),
        ("=2C", "=3D2C"),
        (",,", "=2C=2C"),
        ("\u{ff0c}\u{ff1d}", "=2C=3D"),
    ] {
        let scram = Scram::new(user, "pencil").unwrap();
        let message = format!("n,,n={escaped},r={NONCE}");
        let exchange = scram.begin_with(NONCE.to_owned());
        assert_eq!(exchange.message(), message.as_bytes(), "{user}");
    }
    // A password is in no message, so it is not escaped. This proof was computed with Python.
    let proof = "p=HmG+KxVXmTsqP8INAvfX5Km4v2RSXGCXDhOwv6Ghh/A=";
    let message = answer("a,b=c", "d=e,f").message;
    assert_eq!(message.rsplit(',').next(), Some(proof));
}

// The examples of RFC 4013 section 3.
#[test]
fn user_names_and_passwords_are_prepared() {
    for (text, prepared) in [
        ("I\u{ad}X", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u{aa}", "a"),
        ("\u{2168}", "IX"),
        ("a\u{a0}b", "a b"),
        ("u\u{308}", "\u{fc}"),
    ] {
        assert_eq!(prepare::user(text).as_deref(), Ok(prepared));
        assert_eq!(prepare::password(text).unwrap().as_str(), prepared);
    }
    assert_eq!(
        answer("user", "\u{2168}").message,
        answer("user", "IX").message
    );
}

#[test]
fn what_sasl_forbids_is_refused_without_being_repeated() {
    for bad in [
        "", "\u{ad}", "\u{7}", "\0", "a\nb", "\u{7f}", "\u{627}1", "\u{e000}", "\u{221}",
    ] {
        let error = Scram::new(bad, "pencil").err().unwrap();
        assert!(error.starts_with("the user name "), "{error}");
        let error = Scram::new("user", bad).err().unwrap();
        assert!(error.starts_with("the password "), "{error}");
        assert!(bad.is_empty() || !error.contains(bad), "{error}");
    }
}

#[test]
fn lengths_are_bounded() {
    let (long, longer) = ("a".repeat(1024), "a".repeat(1025));
    assert!(Scram::new(&long, &long).is_ok());
    for (user, password) in [(&longer, &long), (&long, &longer)] {
        let error = Scram::new(user, password).err().unwrap();
        assert!(error.ends_with("is longer than 1,024 bytes"), "{error}");
    }
    // What grows most.
    for text in ["\u{fdfa}".repeat(341), ",".repeat(1024)] {
        let scram = Scram::new(&text, &text).unwrap();
        assert!(scram.begin().unwrap().message().len() <= usize::from(u16::MAX));
    }
    let at_limit = format!(
        "{SERVER_FIRST},x={}",
        "y".repeat(4096 - 3 - SERVER_FIRST.len())
    );
    assert_eq!(refusal_of_first(&at_limit), None);
    let why = "it is longer than 4,096 bytes";
    assert_eq!(refusal_of_first(at_limit + "y"), malformed(why));
    assert_eq!(refusal_of_final([b'v'; 4097]), malformed(why));
}

#[test]
fn iteration_counts_have_limits() {
    let with = |count: &str| refusal_of_first(SERVER_FIRST.replace("4096", count));
    for count in ["4096", "4097", "999999", "1000000"] {
        assert_eq!(with(count), None, "{count}");
    }
    for count in [1, 4095, 1_000_001, 2_000_000_000, u64::MAX] {
        assert_eq!(with(&count.to_string()), Some(Refusal::Iterations(count)));
    }
    let text = with("2000000000").unwrap().to_string();
    assert_eq!(
        text,
        "scram: the server asks for 2000000000 iterations; 4096 to 1000000 are allowed"
    );
    for count in [
        "0",
        "04096",
        "+4096",
        "-4096",
        " 4096",
        "4096.0",
        "0x1000",
        "\u{664}096",
        "18446744073709551616",
    ] {
        let why = "its iteration count is not a 64-bit number";
        assert_eq!(with(count), malformed(why), "{count}");
    }
}

#[test]
fn the_servers_nonce_continues_the_clients() {
    let servers = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    for nonce in [
        NONCE,
        "rOprNGfwEbeRWgbNEkq",
        "rOprNGfwEbeRWgbNEkqo%hvYDpWUa2Ra",
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "%rOprNGfwEbeRWgbNEkqO",
        "rOprNGfwEbeRWgbNEkqO ",
        "rOprNGfwEbeRWgbNEkqO\n",
        "rOprNGfwEbeRWgbNEkqO\u{7f}",
        "rOprNGfwEbeRWgbNEkqO\u{fc}",
    ] {
        let message = SERVER_FIRST.replace(servers, nonce);
        assert_eq!(refusal_of_first(message), Some(Refusal::Nonce), "{nonce}");
    }
    let shortest = SERVER_FIRST.replace(servers, "rOprNGfwEbeRWgbNEkqO=");
    assert_eq!(refusal_of_first(shortest), None);
}

#[test]
fn base64_is_strict() {
    let salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
    for bad in [
        "W22ZaJ0SNY7soEsUEjb6gQ",
        "W22ZaJ0SNY7soEsUEjb6gQ=",
        "W22ZaJ0SNY7soEsUEjb6gQ===",
        "W22ZaJ0SNY7soEsUEjb6gR==",
        "W22ZaJ0SNY7soEsUEjb6====",
        "W22Z==0SNY7soEsUEjb6gQ==",
        " W22ZaJ0SNY7soEsUEjb6gQ==",
        "W22ZaJ0SNY7soEsUEjb6gQ==\n",
        "W22ZaJ0SNY7soEsUEjb6gQ--",
        "W22ZaJ0SNY7soEsUEjb_gQ==",
        "W22ZaJ0SNY7soEsUEj\u{fc}6gQ==",
        "====",
        "==",
        "=",
        "Q",
        "!",
    ] {
        let refusal = refusal_of_first(SERVER_FIRST.replace(salt, bad));
        assert_eq!(refusal, malformed("its salt is not base64"), "{bad}");
    }
    for (value, bytes) in [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo")] {
        assert_eq!(attributes::bytes(value), Some(bytes.into()));
        let message = SERVER_FIRST.replace(salt, value);
        assert_eq!(refusal_of_first(message), None);
    }
    let refusal = refusal_of_final("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4");
    assert_eq!(refusal, malformed("its signature is not base64"));
}

#[test]
fn a_first_message_that_is_cut_off_is_refused() {
    let last = SERVER_FIRST.len();
    for end in 0..last {
        assert!(refusal_of_first(&SERVER_FIRST[..end]).is_some(), "{end}");
    }
    assert_eq!(refusal_of_first(""), Some(Refusal::Missing('r')));
    let (start, _) = SERVER_FIRST.split_once(",s=").unwrap();
    assert_eq!(refusal_of_first(start), Some(Refusal::Missing('s')));
}

#[test]
fn attributes_have_one_order_and_come_once() {
    let parts: Vec<&str> = SERVER_FIRST.split(',').collect();
    let [r, s, i] = parts[..] else {
        unreachable!("three parts")
    };
    for (order, missing) in [
        ([r, i, s], 's'),
        ([s, r, i], 'r'),
        ([s, i, r], 'r'),
        ([i, s, r], 'r'),
        ([i, r, s], 'r'),
        ([r, r, s], 's'),
        ([r, s, s], 'i'),
        (["x=1", r, s], 'r'),
        ([r, "", s], 's'),
        ([r, s, "i="], 'i'),
        ([r, s, "ii=4096"], 'i'),
        ([r, s, "I=4096"], 'i'),
        ([r, s, "4096"], 'i'),
    ] {
        let refusal = refusal_of_first(order.join(","));
        assert_eq!(refusal, Some(Refusal::Missing(missing)), "{order:?}");
    }
    for doubled in [r, s, i, "v=AAAA", "c=biws", "p=AAAA", "n=user", "a=user"] {
        let refusal = refusal_of_first(format!("{SERVER_FIRST},{doubled}"));
        assert_eq!(refusal, malformed(MISPLACED), "{doubled}");
        let refusal = refusal_of_final(format!("{SERVER_FINAL},{doubled}"));
        assert_eq!(refusal, malformed(MISPLACED), "{doubled}");
    }
}

#[test]
fn extensions_are_ignored_except_those_that_the_client_must_know() {
    for known in ["x=1", "x=1,y==", "t=\u{1}\u{fc}\n", "X=,"] {
        let is_whole = !known.ends_with(',');
        for refusal in [
            refusal_of_first(format!("{SERVER_FIRST},{known}")),
            refusal_of_final(format!("{SERVER_FINAL},{known}")),
        ] {
            match is_whole {
                true => assert_eq!(refusal, None, "{known}"),
                false => assert_eq!(refusal, malformed(NO_ATTRIBUTE), "{known}"),
            }
        }
    }
    for message in [
        format!("m=x,{SERVER_FIRST}"),
        format!("{SERVER_FIRST},m=x"),
        SERVER_FIRST.replace(",s=", ",m=x,s="),
    ] {
        assert_eq!(refusal_of_first(message), Some(Refusal::Extension));
    }
    for message in [format!("m=x,{SERVER_FINAL}"), format!("{SERVER_FINAL},m=x")] {
        assert_eq!(refusal_of_final(message), Some(Refusal::Extension));
    }
    for bad in ["", "x", "x=", "=", "=1", "xy=1", "1=1", "\u{fc}=1", " x=1"] {
        let refusal = refusal_of_first(format!("{SERVER_FIRST},{bad}"));
        assert_eq!(refusal, malformed(NO_ATTRIBUTE), "{bad}");
    }
}

#[test]
fn the_servers_error_is_told() {
    for (message, error) in [
        ("e=invalid-proof", "invalid-proof"),
        ("e=other-error,x=1", "other-error"),
        ("e=a=b", "a=b"),
        ("e=l\u{fc}gt\n", "l\u{fc}gt\n"),
    ] {
        let refusal = Some(Refusal::Server(error.to_owned()));
        assert_eq!(refusal_of_final(message), refusal);
        assert_eq!(refusal_of_first(message), refusal);
    }
    let text = refusal_of_final("e=unknown-user").unwrap().to_string();
    assert_eq!(text, "scram: the server refuses: unknown-user");
    assert_eq!(refusal_of_final("e="), Some(Refusal::Missing('v')));
    let both = format!("{SERVER_FINAL},e=other-error");
    assert_eq!(
        refusal_of_final(both),
        Some(Refusal::Server("other-error".into()))
    );
}

#[test]
fn messages_are_text() {
    let not_utf8 = malformed("it is not UTF-8");
    let null = malformed("it contains a null character");
    let first = SERVER_FIRST.as_bytes();
    for (end, refusal) in [(&b",x=\xff"[..], not_utf8), (b",x=\0", null)] {
        assert_eq!(refusal_of_first([first, end].concat()), refusal);
        assert_eq!(
            refusal_of_final([SERVER_FINAL.as_bytes(), end].concat()),
            refusal
        );
    }
}

#[test]
fn only_the_right_signature_is_accepted() {
    assert_eq!(refusal_of_final(SERVER_FINAL), None);
    for end in 0..SERVER_FINAL.len() {
        assert!(refusal_of_final(&SERVER_FINAL[..end]).is_some(), "{end}");
    }
    for at in 0..SERVER_FINAL.len() {
        for other in [b'A', b'6', b'=', b',', 0, 0xff] {
            let mut message = SERVER_FINAL.as_bytes().to_vec();
            let was = std::mem::replace(&mut message[at], other);
            let is_refused = refusal_of_final(&message).is_some();
            assert_eq!(is_refused, was != other, "{other} at {at}");
        }
    }
    let wrong = encode_block(&[0; 32]);
    let short = encode_block(&attributes::bytes(&SERVER_FINAL[2..]).unwrap()[..31]);
    for signature in [wrong.as_str(), &short, "6rri"] {
        let refusal = refusal_of_final(format!("v={signature}"));
        assert_eq!(refusal, Some(Refusal::Signature));
    }
    let another = answer("user", "pencils");
    assert_eq!(
        another.verify(SERVER_FINAL.as_bytes()),
        Err(Refusal::Signature)
    );
}

#[test]
fn the_programs_errors_stay_in_openssls_queue() {
    let error = Rsa::private_key_from_pem(b"no key").unwrap_err();
    let programs = error.to_string();
    error.put();
    assert!(refusal_of_first(SERVER_FIRST.replace("==", "=")).is_some());
    assert!(refusal_of_final("v=?").is_some());
    let work = exchange().challenge(SERVER_FIRST.as_bytes()).ok().unwrap();
    assert!(work.run().is_ok());
    assert_eq!(ErrorStack::get().to_string(), programs);
}

#[test]
fn no_bytes_make_it_panic() {
    let mut random = StdRng::seed_from_u64(5802);
    for _ in 0..5_000 {
        let mut bytes = vec![0; random.random_range(0..200)];
        random.fill(&mut bytes[..]);
        assert!(refusal_of_first(&bytes).is_some());
        assert!(refusal_of_final(&bytes).is_some());
    }
    let mut accepted = 0;
    for _ in 0..5_000 {
        let mut message = SERVER_FIRST.as_bytes().to_vec();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..message.len());
            let byte = *b"rsimvx=,+/A09 \0\xff"
                .get(random.random_range(0..20))
                .unwrap_or(&message[at]);
            match random.random_range(0..3) {
                0 => message[at] = byte,
                1 => message.insert(at, byte),
                _ => drop(message.remove(at)),
            }
        }
        if let Ok(work) = exchange().challenge(&message) {
            assert!(ITERATIONS.contains(&(work.iterations as u64)));
            let signed = work.auth_message.as_bytes();
            assert!(signed.windows(message.len()).any(|part| part == message));
            accepted += 1;
        }
    }
    assert!((100..4_900).contains(&accepted), "{accepted}");
}
