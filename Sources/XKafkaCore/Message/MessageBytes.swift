/// The bytes of a key, a value or a header value.
///
/// A message read from Kafka points into the memory librdkafka fetched it into; reading through
/// ``span``, ``withUnsafeBytes(_:)`` or the collection interface copies nothing. The memory stays
/// valid for as long as the value, or any copy of it, lives.
///
/// A value that is kept for long (in a cache, say) also keeps the fetch it came from in memory:
/// keep ``copied()`` instead.
///
/// Kafka tells a missing key or value (a *tombstone*) from an empty one; here a missing one is
/// `nil` and an empty one is `MessageBytes` with a `count` of 0.
public struct MessageBytes: Sendable {
    /// Keeps `bytes` alive; `nil` only for the empty run.
    private let owner: (any AnyObject & Sendable)?

    /// Points into memory that `owner` keeps alive and that nobody writes to any more, which is
    /// why sharing it between tasks is safe.
    private nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

    /// Bytes inside memory that `owner` keeps alive, unchanged, for its whole life.
    package init(_ bytes: UnsafeRawBufferPointer, ownedBy owner: any AnyObject & Sendable) {
        self.owner = owner
        self.bytes = bytes
    }

    private init(copying bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else {
            self.init()
            return
        }
        let storage = ByteStorage(copying: bytes)
        self.init(storage.bytes, ownedBy: storage)
    }

    /// No bytes (which is not the same as no value).
    public init() {
        owner = nil
        bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// A copy of the given bytes.
    public init(_ source: some Sequence<UInt8>) {
        let copied: MessageBytes? = source.withContiguousStorageIfAvailable {
            MessageBytes(copying: UnsafeRawBufferPointer($0))
        }
        if let copied {
            self = copied
        } else {
            self = Array(source).withUnsafeBytes { MessageBytes(copying: $0) }
        }
    }

    /// The UTF-8 bytes of a string.
    public init(_ string: some StringProtocol) {
        self.init(string.utf8)
    }

    /// The bytes, borrowed.
    public var span: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            // `owner` lives as long as `self`, and the bytes as long as `owner`.
            _overrideLifetime(RawSpan(_unsafeBytes: bytes), borrowing: self)
        }
    }

    /// Calls `body` with the bytes. The pointer must not be used after it returns.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(owner) {} }
        return try body(bytes)
    }

    /// Where the bytes are, for those who keep this value for as long as they look. Unlike ``withUnsafeBytes(_:)`` it counts
    /// no reference, which would be the larger part of hashing a key.
    package var unsafeBytes: UnsafeRawBufferPointer { bytes }

    /// The same bytes in memory of their own, independent of the fetch they came from.
    public func copied() -> MessageBytes {
        withUnsafeBytes { MessageBytes(copying: $0) }
    }
}

extension MessageBytes: RandomAccessCollection {
    /// The position of the first byte, always 0.
    public var startIndex: Int { 0 }

    /// The position after the last byte, equal to the number of bytes.
    public var endIndex: Int { bytes.count }

    /// The byte at `position`, which must be at least 0 and less than ``endIndex``.
    public subscript(position: Int) -> UInt8 {
        precondition(bytes.indices.contains(position), "index out of range")
        return withUnsafeBytes { $0[position] }
    }

    /// Calls `body` with the bytes.
    public func withContiguousStorageIfAvailable<Result>(
        _ body: (UnsafeBufferPointer<UInt8>) throws -> Result
    ) rethrows -> Result? {
        try withUnsafeBytes { try $0.withMemoryRebound(to: UInt8.self, body) }
    }
}

extension MessageBytes: Hashable {
    /// Whether both hold the same bytes.
    public static func == (left: MessageBytes, right: MessageBytes) -> Bool {
        left.withUnsafeBytes { left in right.withUnsafeBytes { right in left.elementsEqual(right) } }
    }

    /// Feeds the bytes into `hasher`.
    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
        hasher.combine(count)
    }
}

extension MessageBytes: ExpressibleByStringInterpolation {
    /// The UTF-8 bytes of a string literal, with or without interpolations.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension MessageBytes: ExpressibleByArrayLiteral {
    /// The bytes of an array literal.
    public init(arrayLiteral elements: UInt8...) {
        self.init(elements)
    }
}

extension MessageBytes: CustomStringConvertible {
    /// How many bytes there are, not which: message contents do not belong into logs by accident.
    public var description: String { "\(count) bytes" }
}

extension String {
    /// The bytes read as UTF-8; what is not valid UTF-8 becomes U+FFFD.
    ///
    /// `String(validating: bytes, as: UTF8.self)` of the standard library answers `nil` instead.
    public init(_ bytes: MessageBytes) {
        self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
}
