/// @file
/// Messages to publish: `publication`.
#ifndef PMQTT_PUBLICATION_HPP
#define PMQTT_PUBLICATION_HPP

#include <pmqtt.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "bytes.hpp"
#include "properties.hpp"
#include "text.hpp"

namespace pmqtt {

/// User properties to send: pairs of name and value, in this order. Several may have the same name.
///
/// The texts are views. They must exist until the call returns. Pairs of strings convert, also those of a map:
/// `pmqtt::user_properties(map.begin(), map.end())`.
using user_properties = std::vector<std::pair<std::string_view, std::string_view>>;

/// A message to publish, or a will.
///
///     pmqtt::publication message{"p/1", json, 1};
///     message.content_type = "application/json";
///     message.user_properties = {{"site", "north"}, {"unit", "kPa"}};
///     client.publish(message);
///
/// Texts and payload are views. What they view must exist until the call returns.
///
/// MQTT 5 has all of the fields. A client of an earlier version refuses those that are marked with (MQTT 5), with
/// `errc::not_supported`.
struct publication {
    std::string_view topic; ///< The topic, not empty, without wildcards.
    bytes payload;          ///< The payload; at most 65,535 bytes in a will.
    int qos = 0;            ///< 0, 1 or 2.
    bool retain = false;    ///< The broker keeps it as a retained message.
    /// How long the message may wait to be sent. If it waits longer, its outcome is `errc::expired`. 0: no limit. A
    /// negative duration counts as 1 second. In MQTT 5, the broker knows the limit too. Before MQTT 5, a will must
    /// have 0.
    std::chrono::seconds expiry{0};
    std::string_view content_type{};   ///< What the payload is, for example "application/json" (MQTT 5).
    std::string_view response_topic{}; ///< The topic for a response; without wildcards (MQTT 5).
    bytes correlation{};               ///< The data that the response must have too; a null view: none (MQTT 5).
    bool payload_is_utf8 = false;      ///< The message says that its payload is UTF-8 (MQTT 5).
    pmqtt::user_properties user_properties{}; ///< The user properties (MQTT 5).
    std::uint64_t tag = 0; ///< Any number. `published` gives it back, in every version. A will must have 0.
    /// Further properties, for example those of a message that is handed on (MQTT 5). A property that a field above
    /// sets must not be in the list, except for user properties.
    pmqtt::properties properties{};
};

namespace detail {

inline std::uint32_t expiry_s(std::chrono::seconds time)
{
    using limits = std::numeric_limits<std::uint32_t>;
    const std::int64_t count = time.count();
    return count == 0 ? 0 : static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 1, limits::max()));
}

/// User properties as the array of C, with NUL-terminated copies of their texts.
class raw_pairs {
public:
    explicit raw_pairs(std::size_t count) : pairs_(count) {}

    /// Appends the properties, and returns where they begin. `texts` keeps the copies.
    const pmqtt_pair *add(const user_properties &from, text_pool &texts)
    {
        pmqtt_pair *const first = pairs_.data() + used_;
        for (const auto &[name, value] : from)
            pairs_.data()[used_++] = {texts.add_some(name), texts.add_some(value)};
        return first;
    }

    static std::size_t size_of_texts(const user_properties &from)
    {
        std::size_t size = 0;
        for (const auto &[name, value] : from)
            size += text_pool::size_of(name) + text_pool::size_of(value);
        return size;
    }

private:
    array<pmqtt_pair, 8> pairs_;
    std::size_t used_ = 0;
};

/// Messages as the structures of C, which point into the messages. All texts are copied into one piece of memory.
class raw_publications {
public:
    raw_publications(const publication *from, std::size_t count)
        : texts_(sum(from, count, size_of_texts)), pairs_(sum(from, count, count_of_pairs)), all_(count), count_(count)
    {
        for (std::size_t index = 0; index < count; index++)
            all_.data()[index] = raw(from[index]);
    }

    explicit raw_publications(const publication &from) : raw_publications(&from, 1) {}

    const pmqtt_publication *data() const noexcept { return all_.data(); }
    std::size_t size() const noexcept { return count_; }
    bool is_valid() const noexcept { return texts_.is_valid(); }

private:
    static std::size_t sum(const publication *from, std::size_t count, std::size_t (*what)(const publication &))
    {
        std::size_t total = 0;
        for (std::size_t index = 0; index < count; index++)
            total += what(from[index]);
        return total;
    }

    static std::size_t size_of_texts(const publication &from)
    {
        return text_pool::size_of(from.topic) + text_pool::size_of(from.content_type) +
               text_pool::size_of(from.response_topic) + raw_pairs::size_of_texts(from.user_properties);
    }

    static std::size_t count_of_pairs(const publication &from) { return from.user_properties.size(); }

    pmqtt_publication raw(const publication &from)
    {
        pmqtt_publication to{};
        to.struct_size = sizeof to;
        to.topic = texts_.add(from.topic);
        to.payload = from.payload.data();
        to.payload_len = from.payload.size();
        to.qos = from.qos;
        to.retain = from.retain;
        to.expiry_s = expiry_s(from.expiry);
        to.content_type = texts_.add(from.content_type);
        to.response_topic = texts_.add(from.response_topic);
        to.correlation = from.correlation.data();
        to.correlation_len = from.correlation.size();
        to.payload_is_utf8 = from.payload_is_utf8;
        to.user_properties = pairs_.add(from.user_properties, texts_);
        to.user_property_count = from.user_properties.size();
        to.tag = from.tag;
        to.properties = from.properties.raw();
        return to;
    }

    text_pool texts_;
    raw_pairs pairs_;
    array<pmqtt_publication, 1> all_;
    std::size_t count_;
};

} // namespace detail
} // namespace pmqtt

#endif
