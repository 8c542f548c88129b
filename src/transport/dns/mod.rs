//! What DNS is asked, without anybody waiting for it.
//!
//! | file       | idea                                                 |
//! |------------|------------------------------------------------------|
//! | `resolver` | a client's questions                                 |
//! | `lookup`   | asking on a thread that nobody waits for             |
//! | `srv`      | which hosts serve a domain, in what order (RFC 2782) |

mod lookup;
mod resolver;
mod srv;

pub use resolver::{AddressQuery, Resolver, ServiceQuery};
pub use srv::Service;
