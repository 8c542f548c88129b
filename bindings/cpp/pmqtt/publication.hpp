/// @file
/// Messages to publish: `publication`.
#ifndef PMQTT_PUBLICATION_HPP
#define PMQTT_PUBLICATION_HPP

#include <pmqtt.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <string_view>

#include "bytes.hpp"

namespace pmqtt {

/// A message to publish, or a will.
///
/// Topic and payload are views. The bytes that they view must exist until the call returns.
struct publication {
    std::string_view topic; ///< The topic, not empty, without wildcards.
    bytes payload;          ///< The payload; at most 65,535 bytes in a will.
    int qos = 0;            ///< 0, 1 or 2.
    bool retain = false;    ///< The broker keeps it as a retained message.
    /// How long the message may wait to be sent. If it waits longer, its outcome is `errc::expired`. 0: no limit;
    /// a will must have 0. A negative duration counts as 1 second.
    std::chrono::seconds expiry{0};
};

namespace detail {

inline std::uint32_t expiry_s(std::chrono::seconds time)
{
    using limits = std::numeric_limits<std::uint32_t>;
    const std::int64_t count = time.count();
    return count == 0 ? 0 : static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 1, limits::max()));
}

/// Returns a message as the C structure. `topic` is its topic with a NUL at the end.
inline pmqtt_publication raw(const publication &from, const char *topic)
{
    pmqtt_publication to{};
    to.struct_size = sizeof to;
    to.topic = topic;
    to.payload = from.payload.data();
    to.payload_len = from.payload.size();
    to.qos = from.qos;
    to.retain = from.retain;
    to.expiry_s = expiry_s(from.expiry);
    return to;
}

} // namespace detail
} // namespace pmqtt

#endif
