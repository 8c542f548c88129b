/// @file
/// NUL-terminated strings for C. Not for programs.
#ifndef PMQTT_TEXT_HPP
#define PMQTT_TEXT_HPP

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pmqtt::detail {

/// Whether C would see the whole text: it has no NUL inside.
inline bool is_whole(std::string_view text) noexcept
{
    return text.find('\0') == std::string_view::npos;
}

/// Overwrites a secret, in a way that no compiler leaves out.
inline void wipe(char *memory, std::size_t size) noexcept
{
    volatile char *bytes = memory;
    while (size > 0)
        bytes[--size] = '\0';
}

/// A copy of a text with a NUL at its end. A short copy is in the object itself. Null stays null.
///
/// The copy is necessary because a program must not read the byte after a `std::string_view`.
class text {
public:
    explicit text(std::string_view source) : valid_(is_whole(source))
    {
        if (source.data() == nullptr)
            return;
        char *copy = small_;
        if (source.size() >= sizeof small_) {
            large_.reset(new char[source.size() + 1]);
            copy = large_.get();
        }
        source.copy(copy, source.size());
        copy[source.size()] = '\0';
        c_str_ = copy;
    }

    text(const text &) = delete;
    text &operator=(const text &) = delete;

    const char *c_str() const noexcept { return c_str_; }
    bool is_valid() const noexcept { return valid_; }

protected:
    char *c_str_ = nullptr;

private:
    std::unique_ptr<char[]> large_;
    char small_[128];
    bool valid_;
};

/// A copy that its destructor wipes.
class secret_text : public text {
public:
    explicit secret_text(std::string_view source) : text(source), size_(source.size()) {}

    ~secret_text()
    {
        if (c_str_)
            wipe(c_str_, size_);
    }

private:
    std::size_t size_;
};

/// An array whose length is known at first. A short one is in the object itself.
template <class T, std::size_t Size> class array {
public:
    explicit array(std::size_t count) : large_(count > Size ? new T[count] : nullptr) {}

    T *data() noexcept { return large_ ? large_.get() : small_; }
    const T *data() const noexcept { return large_ ? large_.get() : small_; }

private:
    std::unique_ptr<T[]> large_;
    T small_[Size];
};

/// NUL-terminated copies in one piece of memory.
class text_pool {
public:
    /// `size` is the sum of `size_of` for all texts.
    explicit text_pool(std::size_t size) : memory_(size), next_(memory_.data()) {}

    text_pool(const text_pool &) = delete;
    text_pool &operator=(const text_pool &) = delete;

    static std::size_t size_of(std::string_view source) noexcept { return source.size() + 1; }

    /// Returns a copy. Null stays null.
    const char *add(std::string_view source)
    {
        return source.data() == nullptr ? nullptr : add_some(source);
    }

    /// Returns a copy. Null becomes an empty text.
    const char *add_some(std::string_view source)
    {
        valid_ = valid_ && is_whole(source);
        char *const copy = next_;
        source.copy(copy, source.size());
        copy[source.size()] = '\0';
        next_ += size_of(source);
        return copy;
    }

    bool is_valid() const noexcept { return valid_; }

private:
    array<char, 256> memory_;
    char *next_;
    bool valid_ = true;
};

/// An array of NUL-terminated copies.
class texts {
public:
    explicit texts(std::size_t count) { copies_.reserve(count); }

    explicit texts(const std::vector<std::string_view> &sources) : texts(sources.size())
    {
        for (std::string_view source : sources)
            add(source);
    }

    void add(std::string_view source)
    {
        valid_ = valid_ && is_whole(source);
        copies_.emplace_back(source);
    }

    /// Valid until the next `add`.
    const char *const *data()
    {
        pointers_.clear();
        for (const std::string &copy : copies_)
            pointers_.push_back(copy.c_str());
        return pointers_.data();
    }

    const char *operator[](std::size_t index) const noexcept { return copies_[index].c_str(); }
    std::size_t size() const noexcept { return copies_.size(); }
    bool is_valid() const noexcept { return valid_; }

private:
    std::vector<std::string> copies_;
    std::vector<const char *> pointers_;
    bool valid_ = true;
};

} // namespace pmqtt::detail

#endif
