//! What DNS is asked, without anybody waiting for it.
//!
//! | file       | idea                                                 |
//! |------------|------------------------------------------------------|
//! | `resolver` | whom a client asks                                   |
//! | `service`  | the look-up service, one for the process             |
//! | `lookup`   | one question is asked once for all who wait          |
//! | `threads`  | a few threads for all that blocks                    |
//! | `srv`      | which hosts serve a domain, in what order (RFC 2782) |

mod lookup;
mod resolver;
pub mod service;
mod srv;
mod threads;

pub use resolver::Resolver;
pub use service::{AddressQuery, ServiceQuery};
pub use srv::Service;
