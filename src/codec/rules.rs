//! What differs between the versions, as facts. Code asks for a fact, not for a version.

use super::Version;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Packets carry properties and reason codes, both sides send AUTH and DISCONNECT.
    pub is_extended: bool,
    /// The unused flags of a header have fixed values [MQTT311-2.2.2-2] [MQTT5-2.1.3-1].
    pub has_fixed_flags: bool,
    /// CONNACK says whether the broker has the session.
    pub has_session_present: bool,
    /// DUP marks a PUBREL that is sent again.
    pub has_dup_pubrel: bool,
    /// A packet without an answer may be sent again on the same connection. MQTT 5 forbids it
    /// [MQTT5-4.4.0-1].
    pub may_resend: bool,
    /// Without a session of the broker's, a message that was sent is published as a new one
    /// [MQTT5-3.2.2-5]. Before MQTT 5, it keeps its packet identifier and gets DUP.
    pub renews_lost: bool,
}

impl Version {
    #[inline(always)]
    pub const fn rules(self) -> Rules {
        match self {
            Version::V31 => V31,
            Version::V311 => V311,
            Version::V5 => V5,
        }
    }
}

const V31: Rules = Rules {
    is_extended: false,
    has_fixed_flags: false,
    has_session_present: false,
    has_dup_pubrel: true,
    may_resend: true,
    renews_lost: false,
};

const V311: Rules = Rules {
    has_fixed_flags: true,
    has_session_present: true,
    has_dup_pubrel: false,
    ..V31
};

const V5: Rules = Rules {
    is_extended: true,
    may_resend: false,
    renews_lost: true,
    ..V311
};
