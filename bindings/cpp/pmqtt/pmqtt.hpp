/// @file
/// pmqtt, an MQTT client, for C++17 and newer.
///
/// The headers contain all code of the C++ API. The C++ functions call the functions of `pmqtt.h`, and
/// have the same names. Where C has a second function with more arguments, C++ has an overload: `disconnect` is
/// also `pmqtt_disconnect_with`, and `publish` is also `pmqtt_publish_message`. `pmqtt.h` is the manual: its comments
/// on units, errors, threads and blocking apply here too. Each class describes what C++ does differently:
///
/// - `client`, and its base `client_ref`: connecting and loops
/// - `client_publishing` and `client_subscribing`: messages
/// - `client_requests`: requests to other clients, and responses
/// - `client_callbacks`: setting callbacks, and exceptions that leave them
/// - `client_settings`: limits, times, the will, TLS
/// - `client_authentication`: enhanced authentication of MQTT 5
/// - `or_throw`: failures as `std::error_code` or exception
/// - `reason_code`: the reasons of MQTT 5, which are a `std::error_code` too
/// - `publication` and `bytes`: messages and payloads
/// - `properties` and `property_list`: the properties of MQTT 5
/// - `publish_single` and the other one-shots, each of which connects and disconnects in one call
///
/// Strings are `std::string_view`, which need not be NUL-terminated. A text with a NUL inside gives
/// `errc::inval`. An empty view, `{}`, stands for C's NULL.
///
/// This header does not include `pmqtt/asio.hpp`, which is for programs that run an `io_context`.
///
/// @namespace pmqtt
/// The C++ API.
#ifndef PMQTT_PMQTT_HPP
#define PMQTT_PMQTT_HPP

#include "authentication.hpp"
#include "bytes.hpp"
#include "callbacks.hpp"
#include "client.hpp"
#include "client_ref.hpp"
#include "connect_options.hpp"
#include "error.hpp"
#include "events.hpp"
#include "oneshot.hpp"
#include "oneshot_options.hpp"
#include "properties.hpp"
#include "publication.hpp"
#include "publishing.hpp"
#include "reason.hpp"
#include "requests.hpp"
#include "sequence.hpp"
#include "settings.hpp"
#include "subscribing.hpp"

#endif
