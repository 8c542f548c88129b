/// @file
/// A view of bytes, for payloads.
#ifndef PMQTT_BYTES_HPP
#define PMQTT_BYTES_HPP

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace pmqtt {

class bytes;

namespace detail {

template <class T> constexpr bool is_text = std::is_convertible_v<const T &, std::string_view>;

template <class T>
constexpr bool is_byte = sizeof(T) == 1 && (std::is_integral_v<T> || std::is_same_v<T, std::byte>);

template <class T, class = void> constexpr bool is_buffer = false;

template <class T>
constexpr bool is_buffer<T, std::void_t<decltype(std::declval<const T &>().data()),
                                        decltype(std::declval<const T &>().size())>> =
    is_byte<std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<const T &>().data())>>> &&
    !is_text<T> && !std::is_same_v<T, bytes>;

} // namespace detail

/// A view of bytes that other code owns.
///
/// Any text (`"on"`, `std::string`) converts to `bytes`. So does any container or view of bytes with `data()`
/// and `size()`, such as `std::span`. In turn, `bytes` converts to `std::span<const std::byte>`.
class bytes {
public:
    /// Makes an empty view.
    constexpr bytes() noexcept = default;

    /// Views `size` bytes at `data`, which may be null if `size` is 0.
    bytes(const void *data, std::size_t size) noexcept
        : data_(static_cast<const std::byte *>(data)), size_(size)
    {
    }

    /// Views the characters of a text. A NUL at its end does not belong to the view.
    template <class Text, std::enable_if_t<detail::is_text<Text>, int> = 0>
    bytes(const Text &text) noexcept : bytes(std::string_view(text))
    {
    }

    /// Views the characters of a text.
    bytes(std::string_view text) noexcept : bytes(text.data(), text.size()) {}

    /// Views a buffer: `std::vector<std::uint8_t>`, `std::array<std::byte, 4>`, `std::span<char>` ...
    template <class Buffer, std::enable_if_t<detail::is_buffer<Buffer>, int> = 0>
    bytes(const Buffer &buffer) noexcept : bytes(buffer.data(), buffer.size())
    {
    }

    /// Views an array of bytes. An array of `char` is a text.
    template <class Byte, std::size_t Size,
              std::enable_if_t<detail::is_byte<Byte> && !std::is_same_v<Byte, char>, int> = 0>
    bytes(const Byte (&array)[Size]) noexcept : bytes(array, Size)
    {
    }

    /// Returns the first byte; may be null if there is none.
    constexpr const std::byte *data() const noexcept { return data_; }
    /// Returns the number of bytes.
    constexpr std::size_t size() const noexcept { return size_; }
    /// Tells whether there are no bytes.
    constexpr bool empty() const noexcept { return size_ == 0; }
    /// Returns the first byte.
    constexpr const std::byte *begin() const noexcept { return data_; }
    /// Returns the place after the last byte.
    constexpr const std::byte *end() const noexcept { return data_ + size_; }
    /// Returns one byte; `index` is not checked.
    constexpr const std::byte &operator[](std::size_t index) const noexcept { return data_[index]; }

    /// Returns the same bytes as text.
    std::string_view text() const noexcept { return {reinterpret_cast<const char *>(data_), size_}; }

private:
    const std::byte *data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace pmqtt

#endif
