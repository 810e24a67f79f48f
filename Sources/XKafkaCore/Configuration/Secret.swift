/// A text that must never show up in a log line, a description or a dump.
///
/// Whatever prints it prints `<redacted>`; the text itself is in ``value``.
public struct Secret: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The text itself.
    public let value: String

    /// Wraps `value`.
    public init(_ value: String) {
        self.value = value
    }

    /// Wraps a literal, which belongs into tests and examples only.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// `<redacted>`
    public var description: String { "<redacted>" }

    /// `<redacted>`
    public var debugDescription: String { description }

    /// Shows nothing: `dump` and `String(reflecting:)` would otherwise look inside.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
