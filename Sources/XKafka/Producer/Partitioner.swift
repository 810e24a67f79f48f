/// Which partition a message goes to that names none (librdkafka's `partitioner`).
public struct Partitioner: Sendable, Hashable, CustomStringConvertible {
    /// librdkafka's word for it.
    public let description: String

    /// FNV-1a of the key, as xkafka places messages; those without a key are spread.
    public static let fnv1aRandom = Partitioner(description: "fnv1a_random")
    /// FNV-1a of the key, and those without a key all go to one partition: xkafka to the letter.
    public static let fnv1a = Partitioner(description: "fnv1a")
    /// Murmur2 of the key, as Kafka's Java producer places messages; those without a key are spread.
    public static let murmur2Random = Partitioner(description: "murmur2_random")
    /// CRC-32 of the key, as librdkafka places messages by default; those without a key are spread.
    public static let consistentRandom = Partitioner(description: "consistent_random")
}
