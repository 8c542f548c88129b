//! A TLS server that the test controls, and clients that trust it.

use super::*;
use crate::transport::tls::{Authorities, Peer, Settings};
use openssl::asn1::Asn1Time;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod};
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509Builder};

/// Verifies nothing.
pub fn unverified() -> Tls {
    let settings = Settings {
        verify: false,
        ..Settings::default()
    };
    Tls {
        context: settings.build().unwrap(),
        peer: Peer::default(),
    }
}

/// Trusts this certificate only.
pub fn verifying(certificate: &X509) -> Tls {
    let settings = Settings {
        authorities: Authorities::These(vec![certificate.clone()]),
        ..Settings::default()
    };
    Tls {
        context: settings.build().unwrap(),
        peer: Peer::default(),
    }
}

/// For any number of connections.
pub fn context() -> SslContext {
    let (certificate, key) = identity_for("localhost");
    server(&certificate, &key)
}

pub fn server(certificate: &X509, key: &PKey<Private>) -> SslContext {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    builder.set_certificate(certificate).unwrap();
    builder.set_private_key(key).unwrap();
    builder.set_session_id_context(b"test").unwrap();
    builder.build()
}

/// For a name or an address.
pub fn identity_for(name: &str) -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    let mut names = SubjectAlternativeName::new();
    match name.parse::<std::net::IpAddr>() {
        Ok(_) => names.ip(name),
        Err(_) => names.dns(name),
    };
    let names = names.build(&builder.x509v3_context(None, None));
    builder.append_extension(names.unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder
        .set_not_before(&Asn1Time::days_from_now(0).unwrap())
        .unwrap();
    builder
        .set_not_after(&Asn1Time::days_from_now(1).unwrap())
        .unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}
