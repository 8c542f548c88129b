//! The size of the first version of each structure with `struct_size`.

use std::mem::offset_of;

use super::connect_options::ConnectOptions;
use super::handlers::MessageHandler;
use super::negotiated::Negotiated;
use super::oneshot_options::{OneshotOptions, OneshotTls};
use super::publication::Publication;
use super::queue_options::QueueOptions;
use super::sized::{Growing, LARGEST};
use super::statistics::Statistics;
use super::subscription::Subscription;

macro_rules! floors {
    ($($structure:ty: $floor:expr;)*) => {$(
        // SAFETY: the fields are numbers, bool, and pointers that may be NULL, and the rest is checked below.
        unsafe impl Growing for $structure {
            const FLOOR: usize = $floor;
        }
        const _: () = assert!(offset_of!($structure, struct_size) == 0);
        const _: () = assert!(<$structure>::FLOOR.is_multiple_of(align_of::<$structure>()));
        const _: () = assert!(size_of::<$structure>() <= LARGEST);
    )*};
}

// After a structure has grown, its floor is the offset of the first added field.
floors! {
    Publication: offset_of!(Publication, expiry_s);
    OneshotOptions: size_of::<OneshotOptions>();
    OneshotTls: size_of::<OneshotTls>();
    QueueOptions: size_of::<QueueOptions>();
    ConnectOptions: size_of::<ConnectOptions>();
    Negotiated: size_of::<Negotiated>();
    MessageHandler: size_of::<MessageHandler>();
    Subscription: size_of::<Subscription>();
    Statistics: offset_of!(Statistics, acks_held);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test has its own numbers, so that an added field cannot raise the floors.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_floors_are_the_first_versions() {
        assert_eq!(Publication::FLOOR, 40);
        assert_eq!(OneshotOptions::FLOOR, 104);
        assert_eq!(OneshotTls::FLOOR, 56);
        assert_eq!(QueueOptions::FLOOR, 16);
        assert_eq!(ConnectOptions::FLOOR, 48);
        assert_eq!(Negotiated::FLOOR, 40);
        assert_eq!(MessageHandler::FLOOR, 40);
        assert_eq!(Subscription::FLOOR, 56);
        assert_eq!(Statistics::FLOOR, 96);
    }
}
