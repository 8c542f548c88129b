// Properties of MQTT 5: lists as ranges, getters, and lists that own their bytes.
#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <string>
#include <vector>
#if __has_include(<ranges>)
#include <ranges>
#endif

#include "support.hpp"

using id = pmqtt::property_id;

static_assert(std::is_nothrow_move_constructible_v<pmqtt::property_list>);
static_assert(std::is_convertible_v<const pmqtt::property_list &, pmqtt::properties>);
static_assert(std::is_convertible_v<const pmqtt_properties &, pmqtt::properties>);
#ifdef __cpp_lib_ranges
static_assert(std::ranges::input_range<pmqtt::properties> && std::ranges::common_range<pmqtt::properties>);
#endif

// The bytes of a literal, with each NUL inside.
template <std::size_t Size> std::string literal(const char (&text)[Size])
{
    return std::string(text, Size - 1);
}

static pmqtt::properties view_of(const std::string &bytes)
{
    return pmqtt_properties{bytes.data(), bytes.size()};
}

static std::string bytes_of(pmqtt::properties list)
{
    return std::string(pmqtt::bytes(list.raw().data, list.raw().len).text());
}

static pmqtt::property_list message()
{
    pmqtt::property_list list;
    list.add(id::message_expiry_interval, 60)
        .add(id::payload_format_indicator, 1)
        .add(id::content_type, "text/plain")
        .add(id::response_topic, std::string("r/1"))
        .add(id::correlation_data, pmqtt::bytes("\0\xff", 2))
        .add("site", "north")
        .add("site", "south")
        .add("", "");
    return list;
}

static void getters()
{
    step("what is there, and what is not");
    const pmqtt::property_list list = message();
    const pmqtt::properties view = list;
    CHECK(view.payload_is_utf8());
    CHECK(view.message_expiry() == 60u);
    CHECK(view.content_type() == "text/plain");
    CHECK(view.response_topic() == "r/1");
    CHECK(view.correlation().has_value() && view.correlation()->size() == 2);
    CHECK(view.user("site") == "north");
    CHECK(view.user("") == "" && view.user({}) == "");
    CHECK(!view.user("sit") && !view.user("site2") && !view.user(std::string_view("site\0", 5)));
    CHECK(view.find(id::user_property)->name == "site");
    CHECK(!view.reason_string() && !view.server_reference() && !view.response_information());
    CHECK(!view.find(id::topic_alias));

    const pmqtt::properties none;
    CHECK(none.empty() && none.begin() == none.end());
    CHECK(!none.payload_is_utf8() && !none.message_expiry() && !none.content_type() && !none.correlation());
    CHECK(!none.user("site"));

    step("what brokers say");
    pmqtt::property_list said;
    said.add(id::reason_string, "busy").add(id::server_reference, "other").add(id::response_information, "i/");
    said.add(id::payload_format_indicator, 0).add(id::correlation_data, "");
    const pmqtt::properties words = said;
    CHECK(words.reason_string() == "busy" && words.server_reference() == "other");
    CHECK(words.response_information() == "i/");
    CHECK(!words.payload_is_utf8());
    CHECK(words.correlation().has_value() && words.correlation()->empty());
}

static void range()
{
    step("a list is a range");
    const pmqtt::property_list list = message();
    const pmqtt::properties view = list;
    std::vector<id> ids;
    std::string names;
    for (const pmqtt::property &each : view) {
        ids.push_back(each.id);
        names += std::string(each.name) + "=" + std::string(each.value) + ";";
    }
    CHECK(ids == (std::vector<id>{id::message_expiry_interval, id::payload_format_indicator, id::content_type,
                                  id::response_topic, id::correlation_data, id::user_property, id::user_property,
                                  id::user_property}));
    CHECK(names == literal("=;=;=text/plain;=r/1;=\0\xff;site=north;site=south;=;"));
    CHECK_INT(std::distance(view.begin(), view.end()), 8);
    CHECK_INT(std::count_if(view.begin(), view.end(), [](auto &each) { return each.name == "site"; }), 2);
    auto at = view.begin();
    CHECK_INT(at++->number, 60);
    CHECK_INT(at->number, 1);
    CHECK(at != view.begin() && at == std::next(view.begin()));
    CHECK_TEXT(pmqtt::property_name(at->id), "payload format indicator");
}

static void hostile()
{
    step("a list that is cut off ends before what is not whole");
    const std::string whole = bytes_of(message());
    std::ptrdiff_t longest = 0;
    for (std::size_t size = 0; size < whole.size(); size++) {
        const std::vector<char> part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        const pmqtt::properties view = pmqtt_properties{part.data(), part.size()};
        const auto count = std::distance(view.begin(), view.end());
        CHECK(count == longest || count == longest + 1);
        longest = count;
    }
    CHECK_INT(longest, 7);
    const pmqtt::properties wild = pmqtt_properties{nullptr, 5};
    CHECK(wild.begin() == wild.end());
    const std::string unknown("\x7f\1");
    CHECK(view_of(unknown).begin() == view_of(unknown).end());
}

static void lists()
{
    step("a list has the bytes of a packet");
    CHECK(bytes_of(message()) ==
          literal("\x02\0\0\0\x3c\x01\x01\x03\0\x0atext/plain\x08\0\3r/1\x09\0\2\0\xff\x26\0\4site\0\5north\x26\0\4site"
                  "\0\5south\x26\0\0\0\0"));
    const pmqtt::property_list copy(message().view());
    CHECK(bytes_of(copy) == bytes_of(message()));
    CHECK(pmqtt::property_list(pmqtt::properties()).view().empty());
    pmqtt::property_list list = copy;
    list.clear();
    CHECK(list.view().empty() && !copy.view().empty());

    step("an add that fails changes nothing");
    const std::error_code inval = pmqtt::errc::inval;
    list = message();
    std::error_code ec;
    list.add(id::topic_alias, 0, ec);
    CHECK_ERROR(ec, inval);
    list.add(id::content_type, 1, ec);
    CHECK_ERROR(ec, inval);
    list.add(id::content_type, "\xff", ec);
    CHECK_ERROR(ec, inval);
    list.add(id::response_topic, "a/#", ec);
    CHECK_ERROR(ec, inval);
    list.add(static_cast<id>(300), 1, ec);
    CHECK_ERROR(ec, inval);
    list.add(std::string_view("a\0", 2), "b", ec);
    CHECK_ERROR(ec, inval);
    list.add("a", std::string_view("b\0", 2), ec);
    CHECK_ERROR(ec, inval);
    list.add("a", std::string(65536, 'b'), ec);
    CHECK_ERROR(ec, inval);
    CHECK_ERROR(thrown_by([&] { list.add(id::correlation_data, std::string(65536, 'b')); }), inval);
    CHECK(words_of([&] { list.add(id::maximum_qos, 2); }).find("add: ") == 0);
    CHECK(bytes_of(list) == bytes_of(message()));

    step("the largest values");
    const std::string large(65535, 'b');
    list.add(id::correlation_data, large, ec);
    CHECK_NONE(ec);
    list.add(large, large);
    CHECK(list.view().user(large) == large);
}

static void macro()
{
    step("the writer of C, in C++");
    char room[100];
    pmqtt_property_writer writer = PMQTT_PROPERTY_WRITER(room);
    pmqtt_properties list;
    pmqtt_property_add_number(&writer, PMQTT_PROP_MAXIMUM_QOS, 1);
    CHECK_OK(pmqtt_property_finish(&writer, &list));
    CHECK_INT(pmqtt::properties(list).find(id::maximum_qos)->number, 1);
}

int main()
{
    watchdog(120);
    getters();
    range();
    hostile();
    lists();
    macro();
    return 0;
}
