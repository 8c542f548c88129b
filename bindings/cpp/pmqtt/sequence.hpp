/// @file
/// A view of an array of C, with elements of C++.
#ifndef PMQTT_SEQUENCE_HPP
#define PMQTT_SEQUENCE_HPP

#include <cstddef>
#include <iterator>

namespace pmqtt {

/// A view of an array that other code owns. Each element becomes a `Value` when it is read.
template <class Value, class Raw> class sequence {
public:
    /// Goes through the array.
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag; ///< The value is not in the array.
        using value_type = Value;                          ///< What the range consists of.
        using difference_type = std::ptrdiff_t;            ///< Required of an iterator.
        using pointer = const Value *;                     ///< Required of an iterator.
        using reference = Value;                           ///< A value of its own.

        /// Makes an iterator of no array.
        iterator() noexcept = default;
        /// Makes an iterator of an element.
        explicit iterator(const Raw *at) noexcept : at_(at) {}

        /// Returns the element.
        Value operator*() const noexcept { return static_cast<Value>(*at_); }
        /// Goes to the next element.
        iterator &operator++() noexcept { return ++at_, *this; }
        /// Goes to the next element, and returns where it was.
        iterator operator++(int) noexcept { return iterator(at_++); }
        /// Tells whether both are at the same element.
        friend bool operator==(iterator a, iterator b) noexcept { return a.at_ == b.at_; }
        /// The opposite of `==`.
        friend bool operator!=(iterator a, iterator b) noexcept { return a.at_ != b.at_; }

    private:
        const Raw *at_ = nullptr;
    };

    /// Makes an empty view.
    constexpr sequence() noexcept = default;
    /// Views `size` elements at `data`, which may be null if `size` is 0.
    constexpr sequence(const Raw *data, std::size_t size) noexcept : data_(data), size_(size) {}

    /// Returns the number of elements.
    constexpr std::size_t size() const noexcept { return size_; }
    /// Tells whether there are no elements.
    constexpr bool empty() const noexcept { return size_ == 0; }
    /// Returns one element; `index` is not checked.
    Value operator[](std::size_t index) const noexcept { return static_cast<Value>(data_[index]); }
    /// Returns the first element.
    iterator begin() const noexcept { return iterator(data_); }
    /// Returns the place after the last element.
    iterator end() const noexcept { return iterator(data_ + size_); }

private:
    const Raw *data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace pmqtt

#endif
