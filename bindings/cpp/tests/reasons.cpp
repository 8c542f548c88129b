// Reason codes of MQTT 5: names, numbers, words, and error codes. Without a broker.
#include <pmqtt/reason.hpp>

#include <set>
#include <string>
#include <vector>
#if __has_include(<ranges>)
#include <ranges>
#endif

#include "support.hpp"

using pmqtt::reason_code;

static_assert(std::is_error_code_enum_v<reason_code>);
static_assert(!std::is_convertible_v<reason_code, int> && !std::is_convertible_v<int, reason_code>);
#ifdef __cpp_lib_ranges
static_assert(std::ranges::input_range<pmqtt::reason_codes> && std::ranges::common_range<pmqtt::reason_codes>);
#endif

static void words()
{
    step("each number of the specification has a name and words, and no other number has words");
    const std::string unknown = pmqtt_reason_string(0x7f);
    std::set<std::string> texts;
    int known = 0;
    for (int number = -1; number < 256; number++) {
        const std::string text = pmqtt::reason_string(static_cast<reason_code>(number));
        CHECK_TEXT(text.c_str(), pmqtt_reason_string(number));
        if (text != unknown) {
            known++;
            texts.insert(text);
        }
    }
    CHECK_INT(known, 44);
    CHECK_INT(texts.size(), 44);
    CHECK_TEXT(pmqtt::reason_string(reason_code::unsaid), "The broker gave no reason.");
    CHECK_TEXT(pmqtt::reason_string(reason_code::quota_exceeded), "Quota exceeded.");
    CHECK_TEXT(pmqtt::reason_string(reason_code::wildcard_subscriptions_not_supported),
               "Wildcard subscriptions not supported.");
}

static void error_codes()
{
    step("a failure is an error code with words, which can be thrown");
    const std::error_code code = reason_code::not_authorised;
    CHECK(code && code == reason_code::not_authorised && code != reason_code::banned);
    CHECK(code.category() == pmqtt::reason_category() && code.category() != pmqtt::category());
    CHECK_TEXT(code.category().name(), "mqtt5");
    CHECK_TEXT(code.message().c_str(), "Not authorised.");
    CHECK_INT(code.value(), 0x87);
    CHECK(words_of([] { throw std::system_error(reason_code::server_moved, "connect"); }) == "connect: Server moved.");

    step("numbers of the two categories are different things");
    CHECK(std::error_code(pmqtt::errc::rejected) != reason_code::unspecified_error);

    step("what is no failure is no error");
    for (const reason_code reason : {reason_code::unsaid, reason_code::success, reason_code::granted_qos_2,
                                     reason_code::no_matching_subscribers, reason_code::no_subscription_existed})
        CHECK(!make_error_code(reason));
    CHECK(make_error_code(reason_code::unspecified_error));

    step("conditions");
    CHECK(code == std::errc::permission_denied && code != std::errc::protocol_error);
    CHECK(make_error_code(reason_code::protocol_error) == std::errc::protocol_error);
    CHECK(make_error_code(reason_code::malformed_packet) == std::errc::protocol_error);
    CHECK(make_error_code(reason_code::unsupported_protocol_version) == std::errc::protocol_not_supported);
    CHECK(make_error_code(reason_code::server_busy) == std::errc::device_or_resource_busy);
    CHECK(make_error_code(reason_code::keep_alive_timeout) == std::errc::timed_out);
    CHECK(make_error_code(reason_code::packet_too_large) == std::errc::message_size);
    CHECK(make_error_code(reason_code::retain_not_supported) == std::errc::not_supported);
    CHECK(make_error_code(reason_code::quota_exceeded).default_error_condition().category() ==
          pmqtt::reason_category());
}

static void sequences()
{
    step("the reasons of a request are a range");
    const std::uint8_t raw[] = {0x01, 0x87, 0x00};
    const pmqtt::reason_codes reasons(raw, 3);
    const std::vector<reason_code> copy(reasons.begin(), reasons.end());
    CHECK(copy == (std::vector{reason_code::granted_qos_1, reason_code::not_authorised, reason_code::success}));
    CHECK(reasons.size() == 3 && !reasons.empty() && reasons[1] == reason_code::not_authorised);
    auto at = reasons.begin();
    CHECK(*at++ == reason_code::granted_qos_1 && *at == reason_code::not_authorised && at != reasons.end());
    for (const reason_code each : pmqtt::reason_codes())
        check_failed(__FILE__, __LINE__, "%s in an empty range", pmqtt::reason_string(each));
}

int main()
{
    watchdog(60);
    words();
    error_codes();
    sequences();
    return 0;
}
