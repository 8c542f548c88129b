/// @file
/// Properties of MQTT 5: `properties` reads a list, and `property_list` makes one.
#ifndef PMQTT_PROPERTIES_HPP
#define PMQTT_PROPERTIES_HPP

#include <pmqtt.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bytes.hpp"
#include "error.hpp"
#include "text.hpp"

namespace pmqtt {

/// The identifiers of properties, as `pmqtt.h` describes them.
enum class property_id {
    payload_format_indicator = PMQTT_PROP_PAYLOAD_FORMAT_INDICATOR,         ///< A number.
    message_expiry_interval = PMQTT_PROP_MESSAGE_EXPIRY_INTERVAL,           ///< A number.
    content_type = PMQTT_PROP_CONTENT_TYPE,                                 ///< A text.
    response_topic = PMQTT_PROP_RESPONSE_TOPIC,                             ///< A text.
    correlation_data = PMQTT_PROP_CORRELATION_DATA,                         ///< Binary data.
    subscription_identifier = PMQTT_PROP_SUBSCRIPTION_IDENTIFIER,           ///< A number.
    session_expiry_interval = PMQTT_PROP_SESSION_EXPIRY_INTERVAL,           ///< A number.
    assigned_client_identifier = PMQTT_PROP_ASSIGNED_CLIENT_IDENTIFIER,     ///< A text.
    server_keep_alive = PMQTT_PROP_SERVER_KEEP_ALIVE,                       ///< A number.
    authentication_method = PMQTT_PROP_AUTHENTICATION_METHOD,               ///< A text.
    authentication_data = PMQTT_PROP_AUTHENTICATION_DATA,                   ///< Binary data.
    request_problem_information = PMQTT_PROP_REQUEST_PROBLEM_INFORMATION,   ///< A number.
    will_delay_interval = PMQTT_PROP_WILL_DELAY_INTERVAL,                   ///< A number.
    request_response_information = PMQTT_PROP_REQUEST_RESPONSE_INFORMATION, ///< A number.
    response_information = PMQTT_PROP_RESPONSE_INFORMATION,                 ///< A text.
    server_reference = PMQTT_PROP_SERVER_REFERENCE,                         ///< A text.
    reason_string = PMQTT_PROP_REASON_STRING,                               ///< A text.
    receive_maximum = PMQTT_PROP_RECEIVE_MAXIMUM,                           ///< A number.
    topic_alias_maximum = PMQTT_PROP_TOPIC_ALIAS_MAXIMUM,                   ///< A number.
    topic_alias = PMQTT_PROP_TOPIC_ALIAS,                                   ///< A number.
    maximum_qos = PMQTT_PROP_MAXIMUM_QOS,                                   ///< A number.
    retain_available = PMQTT_PROP_RETAIN_AVAILABLE,                         ///< A number.
    user_property = PMQTT_PROP_USER_PROPERTY,                               ///< A pair of texts.
    maximum_packet_size = PMQTT_PROP_MAXIMUM_PACKET_SIZE,                   ///< A number.
    wildcard_subscription_available = PMQTT_PROP_WILDCARD_SUBSCRIPTION_AVAILABLE,     ///< A number.
    subscription_identifier_available = PMQTT_PROP_SUBSCRIPTION_IDENTIFIER_AVAILABLE, ///< A number.
    shared_subscription_available = PMQTT_PROP_SHARED_SUBSCRIPTION_AVAILABLE,         ///< A number.
};

/// Returns the name of a property, for a log (`pmqtt_property_name`).
inline const char *property_name(property_id id) noexcept
{
    return pmqtt_property_name(static_cast<int>(id));
}

/// A property of a list. The views refer to the list.
struct property {
    /// Makes the property of the C structure.
    explicit property(const ::pmqtt_property &raw) noexcept
        : id(static_cast<property_id>(raw.id)), number(raw.number), name(raw.name, raw.name_len),
          value(raw.value, raw.value_len)
    {
    }

    property_id id;        ///< The identifier.
    std::uint32_t number;  ///< The value of a number; else 0.
    std::string_view name; ///< The name of a user property; else empty.
    /// The text or the binary data, or the value of a user property; else empty. `bytes` can be made of it.
    std::string_view value;
};

/// A view of a list of properties that other code owns.
///
/// It is a range of `property`, and has a getter for each property that a program often reads:
///
///     if (event.properties.content_type() == "application/json") ...
///     for (const pmqtt::property &each : event.properties) ...
///
/// The list of an event is valid until the callback returns; a `property_list` can keep a copy.
class properties {
public:
    /// Goes through a list of properties (`pmqtt_property_next`).
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag; ///< The property is in the iterator itself.
        using value_type = property;                       ///< What the range consists of.
        using difference_type = std::ptrdiff_t;            ///< Required of an iterator.
        using pointer = const property *;                  ///< Required of an iterator.
        using reference = const property &;                ///< Valid until the iterator changes.

        /// Makes an end.
        iterator() noexcept = default;

        /// Returns the property.
        reference operator*() const noexcept { return current_; }
        /// Returns the property.
        pointer operator->() const noexcept { return &current_; }

        /// Goes to the next property.
        iterator &operator++() noexcept
        {
            ::pmqtt_property next;
            at_end_ = !pmqtt_property_next(&list_, &position_, &next);
            if (!at_end_)
                current_ = property(next);
            return *this;
        }

        /// Goes to the next property, and returns where it was.
        iterator operator++(int) noexcept
        {
            const iterator before = *this;
            ++*this;
            return before;
        }

        /// Tells whether both are at the same place of the same list, or at an end.
        friend bool operator==(const iterator &a, const iterator &b) noexcept
        {
            if (a.at_end_ || b.at_end_)
                return a.at_end_ == b.at_end_;
            return a.list_.data == b.list_.data && a.position_ == b.position_;
        }
        /// The opposite of `==`.
        friend bool operator!=(const iterator &a, const iterator &b) noexcept { return !(a == b); }

    private:
        friend class properties;
        explicit iterator(const ::pmqtt_properties &list) noexcept : list_(list) { ++*this; }

        ::pmqtt_properties list_{};
        std::size_t position_ = 0;
        value_type current_{::pmqtt_property{}};
        bool at_end_ = true;
    };

    /// Makes an empty view.
    constexpr properties() noexcept = default;
    /// Views the list of the C structure.
    constexpr properties(const ::pmqtt_properties &raw) noexcept : raw_(raw) {}

    /// Returns the C structure.
    constexpr const ::pmqtt_properties &raw() const noexcept { return raw_; }
    /// Tells whether there are no properties.
    constexpr bool empty() const noexcept { return raw_.len == 0; }
    /// Returns the first property.
    iterator begin() const noexcept { return iterator(raw_); }
    /// Returns the end. A list that is not well-formed ends before its first wrong byte.
    iterator end() const noexcept { return {}; }

    /// Returns the first property with an identifier (`pmqtt_property_find`).
    std::optional<property> find(property_id id) const noexcept
    {
        ::pmqtt_property found;
        if (!pmqtt_property_find(&raw_, static_cast<int>(id), &found))
            return std::nullopt;
        return property(found);
    }

    /// Returns the value of the first user property with a name (`pmqtt_property_user`).
    std::optional<std::string_view> user(std::string_view name) const
    {
        const detail::text copy(name.data() == nullptr ? std::string_view("") : name);
        ::pmqtt_property found;
        if (!copy.is_valid() || !pmqtt_property_user(&raw_, copy.c_str(), &found))
            return std::nullopt;
        return property(found).value;
    }

    /// Tells whether the sender says that the payload is UTF-8.
    bool payload_is_utf8() const noexcept { return number(property_id::payload_format_indicator) == 1u; }
    /// Returns for how many seconds the message is still of use.
    std::optional<std::uint32_t> message_expiry() const noexcept
    {
        return number(property_id::message_expiry_interval);
    }
    /// Returns what the payload is, for example a MIME type.
    std::optional<std::string_view> content_type() const noexcept { return text(property_id::content_type); }
    /// Returns the topic for the answer to a request.
    std::optional<std::string_view> response_topic() const noexcept { return text(property_id::response_topic); }
    /// Returns the data that the answer to a request must have too.
    std::optional<bytes> correlation() const noexcept
    {
        const auto data = text(property_id::correlation_data);
        return data ? std::optional<bytes>(*data) : std::nullopt;
    }
    /// Returns the broker's explanation of a reason code.
    std::optional<std::string_view> reason_string() const noexcept { return text(property_id::reason_string); }
    /// Returns the broker that the program is to use instead.
    std::optional<std::string_view> server_reference() const noexcept { return text(property_id::server_reference); }
    /// Returns what the broker suggests for response topics.
    std::optional<std::string_view> response_information() const noexcept
    {
        return text(property_id::response_information);
    }

private:
    std::optional<std::uint32_t> number(property_id id) const noexcept
    {
        const auto found = find(id);
        return found ? std::optional<std::uint32_t>(found->number) : std::nullopt;
    }

    std::optional<std::string_view> text(property_id id) const noexcept
    {
        const auto found = find(id);
        return found ? std::optional<std::string_view>(found->value) : std::nullopt;
    }

    ::pmqtt_properties raw_{};
};

/// A list of properties that owns its bytes.
///
///     pmqtt::property_list list;
///     list.add(pmqtt::property_id::reason_string, "too late").add("site", "north");
///
/// An `add` that fails changes nothing. Which packet the list is for is not known here: the call that takes it checks
/// whether each property is allowed there, and how often.
class property_list {
public:
    /// Makes an empty list.
    property_list() = default;

    /// Copies a list, for example that of an event.
    explicit property_list(properties list)
    {
        const bytes from(list.raw().data, list.raw().len);
        bytes_.assign(from.begin(), from.end());
    }

    /// Appends a number (`pmqtt_property_add_number`).
    property_list &add(property_id id, std::uint32_t number, or_throw ec = {})
    {
        return append(number_size, ec, [&](::pmqtt_property_writer &writer) {
            pmqtt_property_add_number(&writer, static_cast<int>(id), number);
        });
    }

    /// Appends a text or binary data (`pmqtt_property_add_bytes`).
    property_list &add(property_id id, bytes value, or_throw ec = {})
    {
        return append(3 + room_for(value.size()), ec, [&](::pmqtt_property_writer &writer) {
            pmqtt_property_add_bytes(&writer, static_cast<int>(id), value.data(), value.size());
        });
    }

    /// Appends a user property (`pmqtt_property_add_pair`). Several may have the same name.
    property_list &add(std::string_view name, std::string_view value, or_throw ec = {})
    {
        // A null view is an empty text here, as a user property has both.
        const detail::text name_copy(name.data() == nullptr ? std::string_view("") : name);
        const detail::text value_copy(value.data() == nullptr ? std::string_view("") : value);
        const bool is_valid = name_copy.is_valid() && value_copy.is_valid();
        return append(5 + room_for(name.size()) + room_for(value.size()), ec, [&](::pmqtt_property_writer &writer) {
            pmqtt_property_add_pair(&writer, is_valid ? name_copy.c_str() : nullptr, value_copy.c_str());
        });
    }

    /// Removes all properties.
    void clear() noexcept { bytes_.clear(); }

    /// Returns a view of the list, valid until the list changes.
    properties view() const noexcept { return ::pmqtt_properties{bytes_.data(), bytes_.size()}; }
    /// Returns `view()`.
    operator properties() const noexcept { return view(); }

private:
    static constexpr std::size_t number_size = 5;

    /// A longer value is refused before it is written.
    static std::size_t room_for(std::size_t size) noexcept { return std::min<std::size_t>(size, 65535); }

    /// `size` is at least what `write` appends.
    template <class Write> property_list &append(std::size_t size, or_throw ec, Write write)
    {
        const std::size_t before = bytes_.size();
        bytes_.resize(before + size);
        ::pmqtt_property_writer writer{bytes_.data(), bytes_.size(), before, PMQTT_ERR_SUCCESS};
        write(writer);
        bytes_.resize(writer.len);
        ::pmqtt_properties list;
        ec(pmqtt_property_finish(&writer, &list),
           [] { return std::string("add: the property has a wrong identifier or value"); });
        return *this;
    }

    std::vector<std::byte> bytes_;
};

} // namespace pmqtt

#endif
