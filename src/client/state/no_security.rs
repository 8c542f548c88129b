//! Stands in for the TLS settings where the library is built without TLS.

use crate::transport::Tls;

#[derive(Default)]
pub struct Security {}

impl Security {
    pub fn tls(&self) -> Option<Tls> {
        None
    }
}
