/// @file
/// A client that an Asio `io_context` drives. Standalone Asio, where it is there; Boost.Asio else, or with
/// PMQTT_ASIO_BOOST defined.
#ifndef PMQTT_ASIO_HPP
#define PMQTT_ASIO_HPP

#if !defined(PMQTT_ASIO_BOOST) && !defined(ASIO_STANDALONE) && !__has_include(<asio.hpp>)
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

/// Drives a client from an `io_context`, for as long as it lives: reconnects, timers, TLS and what other
/// threads publish included. Callbacks run in the threads of the `io_context`, and what they throw leaves
/// its `run`; when that is called again, the client goes on.
///
///     asio::io_context io;
///     pmqtt::client client;
///     pmqtt::asio_driver driver(io, client);   // before or after connect, which never blocks as:
///     client.connect_async("broker");
///     io.run();
///
/// It has to be destroyed or stopped before the client is: declare it after the client. Both may be done
/// in a callback of the client. The client may be moved meanwhile. As other objects of Asio it belongs to
/// one thread at a time: where several run the `io_context`, give it a strand for an executor.
///
/// While it lives, `run` does not return for want of work.
class asio_driver {
public:
    /// `where` is an `io_context` or an executor. Throws where the descriptor cannot be made (as `event_fd`),
    /// or not be watched (as Asio), for example because another driver has the client.
    template <class Where>
    asio_driver(Where &&where, client_ref &client)
        : watch_(std::make_shared<watch>(std::forward<Where>(where), client))
    {
        watch_->wait();
    }

    /// Takes over what the other one drives.
    asio_driver(asio_driver &&) noexcept = default;
    /// Stops, and takes over what the other one drives.
    asio_driver &operator=(asio_driver &&other) noexcept
    {
        stop();
        watch_ = std::move(other.watch_);
        return *this;
    }

    /// Stops.
    ~asio_driver() { stop(); }

    /// Lets go of the client: from now on nobody runs it. Legal in a callback of the client.
    void stop() noexcept
    {
        if (const auto stopped = std::exchange(watch_, nullptr))
            stopped->let_go();
    }

private:
    /// A handler that waits shares it, so that it may come after the driver is gone.
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
                if (!error && self->descriptor_.is_open()) // a handler may be queued when it is let go of
                    self->turn();
            });
        }

        /// The library closes the descriptor; we must not.
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
            // How connections end is told to callbacks; but what is broken for good would say so for ever.
            if (error != errc::panic && error != errc::inval)
                go_on();
        }

        /// Unless a callback has stopped it.
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
