/// @file
/// Messages to publish: `publication`.
#ifndef PMQTT_PUBLICATION_HPP
#define PMQTT_PUBLICATION_HPP

#include <pmqtt.h>

#include <string_view>

#include "bytes.hpp"

namespace pmqtt {

/// A message to publish, or a will.
///
/// Topic and payload are views, and must live through the call.
struct publication {
    std::string_view topic; ///< The topic, not empty, without wildcards.
    bytes payload;          ///< The payload; at most 65,535 bytes in a will.
    int qos = 0;            ///< 0, 1 or 2.
    bool retain = false;    ///< The broker keeps it as a retained message.
};

namespace detail {

/// The same message for C, with a topic that has a NUL at its end.
inline pmqtt_publication raw(const publication &from, const char *topic)
{
    pmqtt_publication to{};
    to.struct_size = sizeof to;
    to.topic = topic;
    to.payload = from.payload.data();
    to.payload_len = from.payload.size();
    to.qos = from.qos;
    to.retain = from.retain;
    return to;
}

} // namespace detail
} // namespace pmqtt

#endif
