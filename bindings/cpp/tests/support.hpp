// Common code of the tests: checks and a private broker from the tests in C, and helpers in C++.
#ifndef PMQTT_TESTS_SUPPORT_HPP
#define PMQTT_TESTS_SUPPORT_HPP

#include <pmqtt/pmqtt.hpp>

#include <chrono>
#include <string>
#include <system_error>

extern "C" {
#include "broker.h"
#include "check.h"
#include "wait.h"
}

using namespace std::chrono_literals;

inline void check_error(const char *file, int line, const char *what, const std::error_code &actual,
                        const std::error_code &expected)
{
    if (actual != expected)
        check_failed(file, line, "%s is \"%s\", not \"%s\"", what, actual.message().c_str(),
                     expected.message().c_str());
}

// A std::error_code, or a value that converts to one.
#define CHECK_ERROR(actual, expected) check_error(__FILE__, __LINE__, #actual, (actual), (expected))
#define CHECK_NONE(actual) CHECK_ERROR(actual, std::error_code(0, pmqtt::category()))

// The error that a call throws; none if it does not throw.
template <class Call> std::error_code thrown_by(Call call)
{
    try {
        call();
    } catch (const std::system_error &error) {
        return error.code();
    }
    return {0, pmqtt::category()};
}

template <class Call> std::string words_of(Call call)
{
    try {
        call();
    } catch (const std::exception &error) {
        return error.what();
    }
    return "";
}

// Runs a client until a condition holds.
#define LOOP_UNTIL(client, condition) DO_UNTIL(condition, (client).loop(10ms))

// Connects, and returns when the broker has accepted. `on_connect` is free afterwards.
inline void connect_now(pmqtt::client &client)
{
    bool accepted = false;
    client.on_connect([&](auto &, const pmqtt::connected &event) { accepted = event.rc == 0; });
    client.connect(BROKER_HOST, broker_port());
    LOOP_UNTIL(client, accepted);
    client.on_connect({});
}

// Connects, and returns when it receives what it publishes under `topic`.
inline void connect_and_subscribe(pmqtt::client &client, const char *topic)
{
    bool granted = false;
    connect_now(client);
    client.on_subscribe([&](auto &, auto &) { granted = true; });
    client.subscribe(topic, 2);
    LOOP_UNTIL(client, granted);
    client.on_subscribe({});
}

#endif
