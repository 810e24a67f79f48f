/// One header of a Kafka message: a name and a value that may be missing.
public struct MessageHeader: Sendable, Hashable {
    /// The name, read as UTF-8.
    public var name: String { String(nameBytes) }

    /// The name as it is on the wire, which need not be valid UTF-8.
    public let nameBytes: MessageBytes

    /// The value; `nil` when Kafka carries a null, which is not the same as an empty one.
    public let value: MessageBytes?

    /// A header with a name and, unless `nil`, a value.
    public init(name: String, value: MessageBytes?) {
        self.init(nameBytes: MessageBytes(name), value: value)
    }

    /// A header whose name is given as bytes, so that any name can be forwarded unchanged.
    public init(nameBytes: MessageBytes, value: MessageBytes?) {
        self.nameBytes = nameBytes
        self.value = value
    }
}

/// The headers of a message: ordered, and a name may occur more than once.
public struct MessageHeaders: Sendable, Hashable {
    private var elements: [MessageHeader]

    /// The given headers, in that order.
    public init(_ headers: some Sequence<MessageHeader>) {
        elements = Array(headers)
    }

    /// Adds a header at the end, leaving others of the same name in place.
    public mutating func append(_ name: String, _ value: MessageBytes?) {
        elements.append(MessageHeader(name: name, value: value))
    }

    /// The first header called `name`, or `nil`. Names are compared exactly.
    public func first(named name: String) -> MessageHeader? {
        elements.first { $0.name == name }
    }

    /// All headers called `name`, in order.
    public func all(named name: String) -> [MessageHeader] {
        elements.filter { $0.name == name }
    }
}

extension MessageHeaders: RandomAccessCollection, MutableCollection, RangeReplaceableCollection {
    /// No headers.
    public init() {
        elements = []
    }

    /// The position of the first header, always 0.
    public var startIndex: Int { 0 }

    /// The position after the last header.
    public var endIndex: Int { elements.count }

    /// The header at `position`.
    public subscript(position: Int) -> MessageHeader {
        get { elements[position] }
        set { elements[position] = newValue }
    }

    /// Replaces the headers in `subrange` by `newElements`.
    public mutating func replaceSubrange(_ subrange: Range<Int>, with newElements: some Collection<MessageHeader>) {
        elements.replaceSubrange(subrange, with: newElements)
    }
}

extension MessageHeaders: ExpressibleByDictionaryLiteral {
    /// Headers written as `["trace": "abc", "trace": "def", "empty": nil]`, kept in that order.
    public init(dictionaryLiteral elements: (String, MessageBytes?)...) {
        // Most messages have none, and their default is written as a literal.
        self.elements = elements.isEmpty ? [] : elements.map { MessageHeader(name: $0.0, value: $0.1) }
    }
}
