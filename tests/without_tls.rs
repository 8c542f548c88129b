//! Without the feature `tls`, what needs TLS returns an error, and everything else works.
#![cfg(not(feature = "tls"))]

use std::ptr::{null, null_mut};

use pmqtt::ffi::{self, PMQTT_ERR_NOT_SUPPORTED, PMQTT_ERR_SUCCESS};

/// Each call, and what it returns.
macro_rules! returns {
    ($($function:ident($($argument:expr),*) => $code:expr;)*) => {$(
        // SAFETY: the client lives, and the header allows the other arguments.
        assert_eq!(unsafe { ffi::$function($($argument),*) }, $code, stringify!($function));
    )*};
}

#[test]
fn what_needs_tls_is_not_supported() {
    let mut client = null_mut();
    // SAFETY: the arguments are what the header asks for.
    let rc = unsafe { ffi::pmqtt_client_new(&mut client, null(), true, null_mut(), 0) };
    assert_eq!(rc, PMQTT_ERR_SUCCESS);
    let (name, key) = (c"a".as_ptr(), c"key".as_ptr().cast());
    returns! {
        pmqtt_tls_set(client, null(), null(), null(), 2, 0, null()) => PMQTT_ERR_NOT_SUPPORTED;
        pmqtt_tls_pem_set(client, null(), null(), null(), 2, 0, null()) => PMQTT_ERR_NOT_SUPPORTED;
        pmqtt_tls_insecure_set(client, true) => PMQTT_ERR_NOT_SUPPORTED;
        pmqtt_tls_server_name_set(client, name) => PMQTT_ERR_NOT_SUPPORTED;
        pmqtt_tls_alpn_set(client, &name, 1) => PMQTT_ERR_NOT_SUPPORTED;
        pmqtt_tls_psk_set(client, name, key, 3) => PMQTT_ERR_NOT_SUPPORTED;
        pmqtt_tls_context_set(client, null_mut()) => PMQTT_ERR_NOT_SUPPORTED;
        pmqtt_auth_scram_set(client, name, name) => PMQTT_ERR_NOT_SUPPORTED;
    }
    // SAFETY: nobody uses the client after this.
    unsafe { ffi::pmqtt_client_free(client) };
}

#[test]
fn a_oneshot_with_tls_is_not_supported() {
    let tls = ffi::OneshotTls {
        struct_size: size_of::<ffi::OneshotTls>(),
        // SAFETY: NULL, 0 and false are what the header allows.
        ..unsafe { std::mem::zeroed() }
    };
    let options = ffi::OneshotOptions {
        struct_size: size_of::<ffi::OneshotOptions>(),
        tls: &tls,
        // SAFETY: the same.
        ..unsafe { std::mem::zeroed() }
    };
    returns! {
        pmqtt_publish_single(c"a".as_ptr(), null(), 0, 1, false, &options) => PMQTT_ERR_NOT_SUPPORTED;
    }
}
