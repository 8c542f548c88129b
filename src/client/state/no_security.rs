//! What stands in for the settings of TLS where the library is built without.

use crate::transport::Tls;

#[derive(Default)]
pub struct Security {}

impl Security {
    pub fn tls(&self) -> Option<Tls> {
        None
    }
}
