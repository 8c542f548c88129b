//! OpenSSL's errors about a connection or a setting, as text.

use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::x509::{X509Ref, X509StoreContextRef};
use std::net::IpAddr;

/// The likely cause if a peer's answer is not TLS.
pub const NO_TLS: &str = "this port does not seem to speak TLS";

/// OpenSSL's text; if the broker has sent an alert, which alert it was.
pub fn words(stack: &ErrorStack) -> String {
    if let Some(alert) = alert(stack) {
        return format!("the broker refuses: alert {alert}");
    }
    let reason = reason(stack);
    match reason.as_str() {
        "wrong version number" | "packet length too long" | "record layer failure" => {
            format!("{reason}; {NO_TLS}")
        }
        _ => reason,
    }
}

/// What could not be used, and why.
pub fn text(what: &str, error: &ErrorStack) -> String {
    format!("{what}: {}", reason(error))
}

/// The text of the last error in the stack.
pub fn reason(error: &ErrorStack) -> String {
    let last = error.errors().last();
    let words = last.and_then(|error| error.reason());
    words.unwrap_or("OpenSSL gives no reason").to_owned()
}

/// The name of the broker's alert, or its number where OpenSSL knows no name.
fn alert(stack: &ErrorStack) -> Option<String> {
    // SSL_AD_REASON_OFFSET: reasons from there on are alerts, and their names are like "tlsv1 alert
    // unknown ca" and "tlsv1 unrecognized name".
    const FIRST: i32 = 1000;
    let error = stack.errors().last()?;
    let number = u8::try_from(error.reason_code() - FIRST).ok()?;
    let name = error
        .reason()
        .and_then(|reason| reason.split_once(' '))
        .map(|(_, name)| name.strip_prefix("alert ").unwrap_or(name));
    Some(name.map_or_else(|| number.to_string(), str::to_owned))
}

/// Which check a certificate failed, and whose certificate it is.
pub fn describe(context: &X509StoreContextRef) -> String {
    let why = context.error().error_string();
    match context.current_cert() {
        None => format!("the broker's certificate: {why}"),
        Some(certificate) => format!(
            "the certificate of {}: {why}",
            subject(certificate).unwrap_or_else(|| "a nameless subject".to_owned())
        ),
    }
}

/// The names that a certificate is for; without any, its subject.
fn subject(certificate: &X509Ref) -> Option<String> {
    let names: Vec<String> = certificate
        .subject_alt_names()
        .into_iter()
        .flatten()
        .filter_map(|name| match (name.dnsname(), name.ipaddress()) {
            (Some(name), _) => Some(name.to_owned()),
            (None, Some(&[a, b, c, d])) => Some(IpAddr::from([a, b, c, d]).to_string()),
            (None, Some(bytes)) => {
                let bytes: [u8; 16] = bytes.try_into().ok()?;
                Some(IpAddr::from(bytes).to_string())
            }
            (None, None) => None,
        })
        .collect();
    if !names.is_empty() {
        return Some(names.join(", "));
    }
    let entry = certificate
        .subject_name()
        .entries_by_nid(Nid::COMMONNAME)
        .next()?;
    entry.data().to_string().ok()
}
