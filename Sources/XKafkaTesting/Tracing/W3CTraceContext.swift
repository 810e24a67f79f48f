public import Tracing

/// The place of a span in its trace, as the W3C's Trace Context writes it into the headers `traceparent` and
/// `tracestate`.
public struct W3CTraceContext: Sendable, Hashable {
    /// The trace: 32 lower-case hexadecimal digits, not all 0.
    public let traceID: String
    /// The span: 16 lower-case hexadecimal digits, not all 0.
    public let spanID: String
    /// Whether the trace is recorded by whoever began it.
    public let isSampled: Bool
    /// What tracing systems on the way added for themselves, unchanged; `nil` when that is nothing.
    public let state: String?

    /// Reads the two headers.
    ///
    /// - Returns: `nil` for a `traceparent` that the W3C's text says to ignore. A `tracestate` that it says to
    ///   ignore is left out.
    public init?(traceparent: String, tracestate: String? = nil) {
        // version "-" trace-id "-" parent-id "-" flags, and what later versions may append
        let bytes = Array(traceparent.utf8.prefix(Self.longestParent + 1))
        guard bytes.count >= Self.length, bytes.count <= Self.longestParent,
            bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash,
            let version = Self.hexadecimal(bytes[0..<2]), version != "ff",
            let traceID = Self.hexadecimal(bytes[3..<35]), traceID.contains(where: { $0 != "0" }),
            let spanID = Self.hexadecimal(bytes[36..<52]), spanID.contains(where: { $0 != "0" }),
            let flags = Self.hexadecimal(bytes[53..<55]).flatMap({ UInt8($0, radix: 16) }),
            bytes.count == Self.length || version != "00" && bytes[55] == Self.dash
        else { return nil }
        self.traceID = traceID
        self.spanID = spanID
        isSampled = flags & 1 != 0
        state = tracestate.flatMap { Self.isState($0) ? $0 : nil }
    }

    /// A new span; in the trace of `parent` if there is one.
    init(childOf parent: W3CTraceContext?) {
        traceID = parent?.traceID ?? Self.randomDigits() + Self.randomDigits()
        spanID = Self.randomDigits()
        isSampled = parent?.isSampled ?? true
        state = parent?.state
    }

    /// The value of the header.
    public var traceparent: String { "00-\(traceID)-\(spanID)-0\(isSampled ? 1 : 0)" }

    /// Where the context keeps it.
    enum Key: ServiceContextKey {
        typealias Value = W3CTraceContext
        static var nameOverride: String? { "w3c-trace-context" }
    }

    private static let length = 55
    /// Later versions may be longer; nobody needs this much.
    private static let longestParent = 512
    private static let dash = UInt8(ascii: "-")

    /// 16 digits, not all 0.
    private static func randomDigits() -> String {
        let digits = String(UInt64.random(in: 1 ... .max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> String? {
        let isHexadecimal = bytes.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        return isHexadecimal ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// At most 32 members `key=value`, each key once, 512 characters in all.
    private static func isState(_ text: String) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 512 else { return false }
        var keys: Set<Substring> = []
        let members = text.split(separator: ",").map { $0.drop { $0 == " " || $0 == "\t" } }.filter { !$0.isEmpty }
        guard !members.isEmpty, members.count <= 32 else { return false }
        for member in members {
            guard let separator = member.firstIndex(of: "=") else { return false }
            let (key, value) = (member[..<separator], member[member.index(after: separator)...])
            guard isStateKey(key), isStateValue(value), keys.insert(key).inserted else { return false }
        }
        return true
    }

    private static func isStateKey(_ key: Substring) -> Bool {
        guard let first = key.first, first.isASCII, first.isLowercase || first.isNumber, key.utf8.count <= 256 else {
            return false
        }
        return key.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || "_-*/@".contains($0)) }
    }

    private static func isStateValue(_ value: Substring) -> Bool {
        (1...256).contains(value.utf8.count)
            && value.utf8.allSatisfy {
                (0x20...0x7e).contains($0) && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ",")
            }
    }
}

extension ServiceContext {
    /// The place in a trace that ``W3CTracer`` works with.
    public var w3c: W3CTraceContext? {
        get { self[W3CTraceContext.Key.self] }
        set { self[W3CTraceContext.Key.self] = newValue }
    }
}
