// What the generated visitors call: distinct values by counting, and one printed line for each value.
#pragma once
#include <cstdio>
#include <string>
#include <type_traits>

// Gives every field another value; test_fastdds_peer.py counts in the same way.
class Counter {
public:
    explicit Counter(int start) : n_(start) {}

    template <typename T> T number() {
        int n = n_++;
        if constexpr (std::is_same_v<T, bool>) return n >= 0;
        else if constexpr (std::is_floating_point_v<T>) return static_cast<T>(n + 0.25);
        else return static_cast<T>(n % (sizeof(T) == 1 ? 100 : 1 << 15));
    }
    template <typename T> void assign(T&& element) { element = number<std::decay_t<T>>(); }
    std::string text(const char* field) { return field + ("-" + std::to_string(n_++)) + "-\xc3\xa4\xe2\x82\xac"; }
    int enumerator(int count) { return 1 + n_++ % (count - 1); }

private:
    int n_;
};

// The place of a value in a sample, as in `sample.limits[1].name`.
class Path {
public:
    explicit Path(std::string text) : text_(std::move(text)) {}
    Path operator/(const char* field) const { return Path(text_ + "." + field); }
    Path operator[](std::size_t at) const { return Path(text_ + "[" + std::to_string(at) + "]"); }
    const char* c_str() const { return text_.c_str(); }

private:
    std::string text_;
};

inline void dump_leaf(const Path& at, const std::string& value) { std::printf("%s=%s\n", at.c_str(), value.c_str()); }

template <typename T> std::enable_if_t<!std::is_convertible_v<T, std::string>> dump_leaf(const Path& at, T value) {
    if constexpr (std::is_floating_point_v<T>) std::printf("%s=%.17g\n", at.c_str(), static_cast<double>(value));
    else if constexpr (std::is_unsigned_v<T>) std::printf("%s=%llu\n", at.c_str(), static_cast<unsigned long long>(value));
    else std::printf("%s=%lld\n", at.c_str(), static_cast<long long>(value));
}

template <typename Values, typename Dumper> void dump_all(const Path& at, const Values& values, Dumper&& dumper) {
    std::printf("%s=%zu elements\n", at.c_str(), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) dumper(at[i], values[i]);
}
