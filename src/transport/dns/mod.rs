//! DNS, asked without waiting for it.
//!
//! | file       | idea                                                 |
//! |------------|------------------------------------------------------|
//! | `resolver` | which look-up service a client asks                  |
//! | `service`  | the look-up service, one for the process             |
//! | `lookup`   | equal questions share one look-up                    |
//! | `threads`  | a few threads for all calls that block               |
//! | `srv`      | which hosts serve a domain, in what order (RFC 2782) |

mod lookup;
mod resolver;
pub mod service;
mod srv;
mod threads;

pub use resolver::Resolver;
pub use service::{AddressQuery, ServiceQuery};
pub use srv::Service;
