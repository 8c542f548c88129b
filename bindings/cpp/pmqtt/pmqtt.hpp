/// @file
/// pmqtt, an MQTT client, for C++17 and newer. Header-only, on top of `pmqtt.h`, which is the manual:
/// the functions here have its names, and what is said there of units, errors, threads and blocking
/// holds here too. What C++ does differently is said with each class:
///
/// - `client`, which is a `client_ref`: connecting, loops, messages; its bases have the rest:
/// - `client_callbacks`: how callbacks are set, and how exceptions leave them
/// - `client_settings`: limits, times, the will, TLS
/// - `or_throw`: how a failure is told: `std::error_code` or exception
/// - `bytes`: payloads
/// - `publish_single` and the other one-shots, each from connecting to disconnecting in one call
///
/// Strings are `std::string_view`, which need not be NUL-terminated. One with a NUL inside is
/// `errc::inval`. A `std::string_view` of nothing, `{}`, stands for C's NULL.
///
/// `pmqtt/asio.hpp`, for programs that run an `io_context`, is not included here.
#ifndef PMQTT_PMQTT_HPP
#define PMQTT_PMQTT_HPP

#include "bytes.hpp"
#include "callbacks.hpp"
#include "client.hpp"
#include "client_ref.hpp"
#include "error.hpp"
#include "events.hpp"
#include "oneshot.hpp"
#include "oneshot_options.hpp"
#include "settings.hpp"

#endif
