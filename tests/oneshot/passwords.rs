//! Who may connect.

use std::ffi::CStr;
use std::fs;
use std::time::Duration;

use pmqtt::ffi::*;

use crate::call::{Call, publication, timed};
use crate::mosquitto::{Mosquitto, run};

#[test]
fn refused_credentials_are_told_at_once() {
    let broker = Mosquitto::start_with(|directory| {
        let passwords = directory.join("passwords");
        fs::write(&passwords, "user:secret\n").expect("a password file");
        run("mosquitto_passwd", directory, "-U passwords");
        format!(
            "allow_anonymous false\npassword_file {}\n",
            passwords.display()
        )
    });
    let publish = |password: Option<&CStr>| {
        let call = Call::to(broker.port).with(|options| {
            if let Some(password) = password {
                options.username = c"user".as_ptr();
                options.password = password.as_ptr();
            }
        });
        let (code, time) = timed(|| call.publish_one(&publication(c"t", b"", 1)));
        (code, call.words(), time)
    };
    assert_eq!(publish(Some(c"secret")).0, PMQTT_ERR_SUCCESS);
    for password in [Some(c"wrong"), None] {
        let (code, words, time) = publish(password);
        assert_eq!(code, PMQTT_ERR_CONN_REFUSED);
        assert!(
            words.starts_with("mqtt: CONNACK 5: Connection refused: not authorised"),
            "{words}"
        );
        assert!(time < Duration::from_secs(1), "{time:?}");
    }
}
