// Tests without a broker: views, strings, errors, moves, and the linking of two translation units.
#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <vector>
#if __has_include(<span>)
#include <span>
#endif

#include "support.hpp"

// second_unit.cpp
const std::error_category &category_of_second_unit();
pmqtt::client client_of_second_unit();

static_assert(std::is_error_code_enum_v<pmqtt::errc>);
static_assert(!std::is_copy_constructible_v<pmqtt::client> && !std::is_copy_assignable_v<pmqtt::client>);
static_assert(std::is_nothrow_move_constructible_v<pmqtt::client> && std::is_nothrow_move_assignable_v<pmqtt::client>);
static_assert(std::is_copy_constructible_v<pmqtt::client_ref> && !std::is_copy_assignable_v<pmqtt::client_ref>);
static_assert(std::is_move_constructible_v<pmqtt::client_ref>);
static_assert(std::is_convertible_v<pmqtt::client &, pmqtt::client_ref &>);
static_assert(!std::is_convertible_v<pmqtt::client_ref &, pmqtt::client>);
static_assert(!std::is_convertible_v<std::vector<int>, pmqtt::bytes>);

static std::string text_of(pmqtt::bytes bytes)
{
    return std::string(bytes.text());
}

static void payloads()
{
    step("bytes are made of texts and of containers of bytes");
    const unsigned char array[] = {'r', 'a', 'w', 0};
    const char buffer[16] = "padded";
    CHECK_TEXT(text_of("literal").c_str(), "literal");
    CHECK_TEXT(text_of(buffer).c_str(), "padded");
    CHECK_TEXT(text_of(std::string("string")).c_str(), "string");
    CHECK_TEXT(text_of(std::string_view("a view", 3)).c_str(), "a v");
    CHECK_TEXT(text_of(std::vector<std::uint8_t>{'v', 'e'}).c_str(), "ve");
    CHECK_TEXT(text_of(std::array<std::byte, 2>{std::byte{'a'}, std::byte{'r'}}).c_str(), "ar");
    CHECK_INT(pmqtt::bytes(array).size(), 4);
    CHECK_INT(pmqtt::bytes(std::string("\0x", 2)).size(), 2);
    CHECK(pmqtt::bytes().empty() && pmqtt::bytes().data() == nullptr);

    int sum = 0;
    for (std::byte byte : pmqtt::bytes(array))
        sum += std::to_integer<int>(byte);
    CHECK_INT(sum, 'r' + 'a' + 'w');
    CHECK(pmqtt::bytes(array)[2] == std::byte{'w'});

#ifdef __cpp_lib_span
    const std::span<const std::byte> span = pmqtt::bytes(array);
    CHECK_INT(span.size(), 4);
    CHECK_TEXT(text_of(span.first(3)).c_str(), "raw");
    CHECK_TEXT(text_of(std::span<const char>(buffer, 3)).c_str(), "pad");
#endif
}

static void strings()
{
    step("a view that is not NUL-terminated is read to its end and no further");
    const std::vector<char> exact{'a', '/', 'b'}; // a sanitizer detects a read past the end
    const std::string_view view(exact.data(), exact.size());
    CHECK(pmqtt::topic_matches_sub(view, view));
    CHECK(!pmqtt::topic_matches_sub(view, view.substr(0, 1)));
    CHECK(pmqtt::client(view).client_id() == "a/b");

    step("short and long ones, at the edges of what is on the stack");
    for (std::size_t length : {1u, 126u, 127u, 128u, 129u, 5000u}) {
        const std::string id(length, 'x');
        CHECK(pmqtt::client(id).client_id() == id);
    }

    step("a NUL inside is an error in every kind of call");
    const std::string_view cut("a\0b", 3);
    pmqtt::client client;
    const std::error_code inval = pmqtt::errc::inval;
    CHECK_ERROR(thrown_by([&] { pmqtt::client{cut}; }), inval);
    CHECK_ERROR(thrown_by([&] { pmqtt::topic_matches_sub("#", cut); }), inval);
    CHECK_ERROR(thrown_by([&] { client.publish(cut, "x", 1); }), inval);
    CHECK_ERROR(thrown_by([&] { client.subscribe(cut); }), inval);
    CHECK_ERROR(thrown_by([&] { client.subscribe_multiple({{"a", 1}, {cut, 1}}); }), inval);
    CHECK_ERROR(thrown_by([&] { client.unsubscribe_multiple({"a", cut}); }), inval);
    CHECK_ERROR(thrown_by([&] { client.message_callback_add(cut, [](auto &, auto &) {}); }), inval);
    CHECK_ERROR(thrown_by([&] { client.connect_async(cut); }), inval);
    CHECK_ERROR(thrown_by([&] { client.username_pw_set("a", cut); }), inval);
    CHECK_ERROR(thrown_by([&] { client.will_set(cut, "x"); }), inval);
    CHECK_ERROR(thrown_by([&] { client.tls_set(cut); }), inval);
    CHECK_ERROR(thrown_by([&] { client.tls_alpn_set({"a", cut}); }), inval);
    CHECK_ERROR(thrown_by([&] { client.reinitialise(cut); }), inval);
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_single(cut, "x"); }), inval);
    CHECK_ERROR(thrown_by([&] { pmqtt::publish_multiple({{"a", "x"}, {cut, "x"}}); }), inval);
    CHECK_ERROR(thrown_by([&] { pmqtt::subscribe_simple({cut}); }), inval);
    CHECK(words_of([&] { client.publish(cut, "x"); }).find("publish: a text has a NUL inside") == 0);
}

static void codes()
{
    step("error codes have a category, words, and conditions");
    const std::error_code code = pmqtt::errc::timeout;
    CHECK(code.category() == pmqtt::category());
    CHECK_TEXT(code.category().name(), "pmqtt");
    CHECK_TEXT(code.message().c_str(), pmqtt_error_string(PMQTT_ERR_TIMEOUT));
    CHECK(code == pmqtt::errc::timeout && code != pmqtt::errc::busy);
    CHECK(code == std::errc::timed_out && code != std::errc::invalid_argument);
    CHECK(std::error_code(pmqtt::errc::inval) == std::errc::invalid_argument);
    CHECK(std::error_code(pmqtt::errc::no_conn) == std::errc::not_connected);
    CHECK(std::error_code(pmqtt::errc::conn_refused) == std::errc::connection_refused);
    CHECK(std::error_code(pmqtt::errc::tls).default_error_condition().category() == pmqtt::category());
    CHECK_TEXT(pmqtt::error_string(4), pmqtt_error_string(4));
    CHECK_TEXT(pmqtt::reason_string(pmqtt::reason_code::not_authorised), "Not authorised.");
    CHECK_TEXT(pmqtt::connack_string(5), pmqtt_connack_string(5));
    CHECK_INT(pmqtt::lib_version(), PMQTT_VERSION_NUMBER);
}

static void moves()
{
    step("a client that was moved from has none, and says so");
    pmqtt::client first("first"), second("second");
    first.message_retry_set(7s);
    pmqtt::client moved(std::move(first));
    CHECK(moved.client_id() == "first");
    CHECK(first.native_handle() == nullptr && first.client_id().empty() && first.last_error().empty());
    CHECK_INT(first.socket(), -1);
    CHECK_INT(first.next_timeout_ms(), -1);
    CHECK(!first.want_read() && !first.want_write() && !first.is_connected());
    CHECK_ERROR(thrown_by([&] { first.log_level_set(pmqtt::log_level::info); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.publish("a", "x"); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.on_message([](auto &, auto &) {}); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.message_callback_add("a", [](auto &, auto &) {}); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.message_callback_remove("a"); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.loop(0ms); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.event_fd(); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.stats(); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.reinitialise(); }), pmqtt::errc::inval);
    CHECK_ERROR(thrown_by([&] { first.tls_key_password_set({}); }), pmqtt::errc::inval);

    step("an assignment ends the client that was there, also one to itself does no harm");
    pmqtt::client_ref ended(second);
    second = std::move(moved);
    CHECK(second.client_id() == "first" && moved.native_handle() == nullptr);
    CHECK_ERROR(thrown_by([&] { ended.publish("a", "x"); }), pmqtt::errc::inval);
    pmqtt::client &same = second;
    second = std::move(same);
    CHECK(second.client_id() == "first");
    moved = pmqtt::client("third");
    CHECK(moved.client_id() == "third");

    step("a reference may be kept where values are, and outlives a move");
    std::optional<pmqtt::client_ref> kept(moved);
    std::vector<pmqtt::client> clients;
    clients.push_back(std::move(moved));
    CHECK(kept->client_id() == "third");
    CHECK(kept->native_handle() == clients[0].native_handle());
}

int main()
{
    watchdog(60);
    payloads();
    strings();
    codes();
    moves();
    step("two translation units share what there is one of");
    CHECK(&category_of_second_unit() == &pmqtt::category());
    CHECK(client_of_second_unit().client_id() == "second");
    return 0;
}
