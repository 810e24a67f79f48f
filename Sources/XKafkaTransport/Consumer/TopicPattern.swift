#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A topic of a subscription that starts with `^`: librdkafka reads it as a regular expression, with the C
/// library's functions, and refuses what they refuse only when it subscribes.
package enum TopicPattern {
    /// What is wrong with `pattern`; `nil` when nothing is.
    package static func refusal(of pattern: String) -> String? {
        var compiled = regex_t()
        let status = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB)
        guard status != 0 else {
            regfree(&compiled)
            return nil
        }
        return withErrorText { text, size in
            regerror(status, &compiled, text, size)
            return "is no regular expression: \(String(cString: text))"
        }
    }
}
