/// @file
/// The class `asio_driver`, which runs a client in an Asio `io_context`.
///
/// It uses standalone Asio if that is installed. It uses Boost.Asio otherwise, or if PMQTT_ASIO_BOOST is
/// defined.
#ifndef PMQTT_ASIO_HPP
#define PMQTT_ASIO_HPP

#if !defined(PMQTT_ASIO_BOOST) && !defined(ASIO_STANDALONE) && !__has_include(<asio.hpp>)
/// Defined: Boost.Asio is used, not standalone Asio.
#define PMQTT_ASIO_BOOST
#endif

#ifdef PMQTT_ASIO_BOOST
#include <boost/asio/posix/stream_descriptor.hpp>
#else
#include <asio/posix/stream_descriptor.hpp>
#endif

#include <memory>
#include <system_error>
#include <utility>

#include "client.hpp"

namespace pmqtt {

namespace detail {
#ifdef PMQTT_ASIO_BOOST
namespace asio = ::boost::asio;
using asio_error = ::boost::system::error_code;
#else
namespace asio = ::asio;
using asio_error = ::std::error_code;
#endif
} // namespace detail

/// Runs a client in an `io_context`, as long as the driver lives.
///
/// This includes reconnects, timers, TLS and messages that other threads publish. Callbacks run in the threads of
/// the `io_context`. An exception that leaves a callback also leaves `run` of the `io_context`. When `run` is called
/// again, the client goes on.
///
///     asio::io_context io;
///     pmqtt::client client;
///     pmqtt::asio_driver driver(io, client);   // before or after the connect call
///     client.connect_async("broker");          // never blocks
///     io.run();
///
/// The driver must be destroyed or stopped before the client is destroyed, so declare it after the client.
/// A callback of the client may destroy the driver, and then the client. The client may be moved while the
/// driver lives. Only one thread at a time may use the driver, as with other objects of Asio. If several
/// threads run the `io_context`, give the driver a strand as its executor.
///
/// While the driver lives, `run` does not return for lack of work. Call `stop` when the program does not need
/// the client any more.
class asio_driver {
public:
    /// Starts to run a client. `where` is an `io_context` or an executor.
    ///
    /// It throws the exception of `event_fd` if the descriptor cannot be created. It throws an exception of Asio
    /// if the descriptor cannot be watched, for example because another driver runs the client.
    template <class Where>
    asio_driver(Where &&where, client_ref &client)
        : watch_(std::make_shared<watch>(std::forward<Where>(where), client))
    {
        watch_->wait();
    }

    /// Takes over the client of the other driver.
    asio_driver(asio_driver &&) noexcept = default;
    /// Stops running its client, and takes over the client of the other driver.
    asio_driver &operator=(asio_driver &&other) noexcept
    {
        stop();
        watch_ = std::move(other.watch_);
        return *this;
    }

    /// Stops running the client.
    ~asio_driver() { stop(); }

    /// Stops running the client. Legal in a callback of the client.
    void stop() noexcept
    {
        if (const auto stopped = std::exchange(watch_, nullptr))
            stopped->let_go();
    }

private:
    /// What a driver watches. A pending handler owns a share, so it may run after the driver is gone.
    class watch : public std::enable_shared_from_this<watch> {
    public:
        template <class Where>
        watch(Where &&where, client_ref &client)
            : client_(client), descriptor_(std::forward<Where>(where), client.event_fd())
        {
        }

        void wait()
        {
            descriptor_.async_wait(descriptor_.wait_read, [self = shared_from_this()](detail::asio_error error) {
                if (!error && self->descriptor_.is_open()) // a handler may be queued when let_go runs
                    self->turn();
            });
        }

        /// Gives up the descriptor without closing it, because the library closes it.
        void let_go() noexcept
        {
            if (descriptor_.is_open())
                descriptor_.release();
        }

        ~watch() { let_go(); }

    private:
        void turn()
        {
            std::error_code error;
            try {
                client_.process(error);
            } catch (...) {
                go_on();
                throw;
            }
            // Callbacks report how connections end. These two errors are permanent: the client would return
            // them forever.
            if (error != errc::panic && error != errc::inval)
                go_on();
        }

        /// Waits again, unless a callback has stopped the driver.
        void go_on()
        {
            if (descriptor_.is_open())
                wait();
        }

        client_ref client_;
        detail::asio::posix::stream_descriptor descriptor_;
    };

    std::shared_ptr<watch> watch_;
};

} // namespace pmqtt

#endif
