//! TLS, with an authority that is made for the test.

use std::ffi::{CStr, CString};
use std::path::Path;

use pmqtt::ffi::*;

use crate::call::{Call, publication};
use crate::mosquitto::{Mosquitto, run};

const NAME: &CStr = c"pmqtt.test";

#[test]
fn tls_checks_the_broker_unless_told_not_to() {
    let broker = Mosquitto::start_with(|directory| {
        make_certificates(directory);
        let file = |name| directory.join(name).display().to_string();
        format!(
            "certfile {}\nkeyfile {}\n",
            file("broker.pem"),
            file("broker.key")
        )
    });
    let ca = broker.directory.join("ca.pem").display().to_string();
    let ca = CString::new(ca).expect("a path");
    let publish = |change: &dyn Fn(&mut OneshotTls)| {
        let mut tls = OneshotTls {
            struct_size: size_of::<OneshotTls>(),
            // SAFETY: all bytes 0 are NULL, 0 and false.
            ..unsafe { std::mem::zeroed() }
        };
        change(&mut tls);
        let call = Call::to(broker.port).with(|options| options.tls = &tls);
        call.publish_one(&publication(c"t", b"", 1))
    };
    let ca_and = |change: fn(&mut OneshotTls)| {
        publish(&|tls| {
            tls.ca_certs = ca.as_ptr();
            change(tls);
        })
    };
    assert_eq!(publish(&|_| {}), PMQTT_ERR_TLS);
    assert_eq!(publish(&|tls| tls.insecure = true), PMQTT_ERR_TLS);
    assert_eq!(publish(&|tls| tls.no_verify = true), PMQTT_ERR_SUCCESS);
    assert_eq!(ca_and(|_| {}), PMQTT_ERR_TLS);
    assert_eq!(ca_and(|tls| tls.insecure = true), PMQTT_ERR_SUCCESS);
    assert_eq!(
        ca_and(|tls| tls.server_name = NAME.as_ptr()),
        PMQTT_ERR_SUCCESS
    );
    assert_eq!(ca_and(|tls| tls.tls_version = 99), PMQTT_ERR_INVAL);
    assert_eq!(
        ca_and(|tls| tls.ca_certs = c"/nowhere".as_ptr()),
        PMQTT_ERR_ERRNO
    );
}

/// An authority, and a certificate for a name that is not the address of the broker.
fn make_certificates(directory: &Path) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let name = NAME.to_str().expect("a name");
    for arguments in [
        format!("req -x509 {key} -subj /CN=authority -keyout ca.key -out ca.pem"),
        format!(
            "req -x509 {key} -subj /CN={name} -addext subjectAltName=DNS:{name} \
             -addext basicConstraints=critical,CA:FALSE -CA ca.pem -CAkey ca.key \
             -keyout broker.key -out broker.pem"
        ),
    ] {
        run("openssl", directory, &arguments);
    }
}
