#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Date {
    /// RFC 3339 in UTC, with as many decimals of the second as it needs, nine at most:
    /// `2026-04-11T12:00:00Z`, `2026-04-11T12:00:00.25Z`. As Go writes it, hence xkafka.
    var rfc3339: String {
        let seconds = timeIntervalSince1970.rounded(.down)
        let nanoseconds = Int(((timeIntervalSince1970 - seconds) * 1_000_000_000).rounded(.down))
        let whole = Date(timeIntervalSince1970: seconds).formatted(.iso8601)
        guard nanoseconds > 0 else { return whole }
        var digits = String(nanoseconds)
        digits = String(repeating: "0", count: max(0, 9 - digits.count)) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return whole.dropLast() + "." + digits + "Z"
    }
}
