/// How batches of messages are compressed on their way and in the log (Kafka's `compression.type`).
public struct Compression: Sendable, Hashable, CustomStringConvertible {
    /// Kafka's name.
    public let description: String

    /// Not at all.
    public static let none = Compression(description: "none")
    /// Small, slow.
    public static let gzip = Compression(description: "gzip")
    /// Fast, not so small.
    public static let snappy = Compression(description: "snappy")
    /// Very fast, not so small.
    public static let lz4 = Compression(description: "lz4")
    /// Small and fast; needs brokers from Kafka 2.1 on.
    public static let zstd = Compression(description: "zstd")
}
