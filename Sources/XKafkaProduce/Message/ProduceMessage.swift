public import XKafkaCore

/// A message to be sent to Kafka.
public struct ProduceMessage: Sendable, Hashable {
    /// Where to send it; `nil` (the default) means the producer's default topic.
    public var topic: String?

    /// The key, which decides the partition and the order; `nil` (the default) is none, which
    /// Kafka tells from an empty one.
    public var key: MessageBytes?

    /// The value; `nil` (the default) makes the message a tombstone, which Kafka tells from an
    /// empty one.
    public var value: MessageBytes?

    /// The headers, sent in this order, with repetitions and null values.
    public var headers: MessageHeaders

    /// The partition to send to; `nil` (the default) lets the partitioner decide.
    public var partition: Int32?

    /// Milliseconds since 1970-01-01 00:00 UTC; `nil` (the default) is the time of sending.
    public var timestamp: Int64?
}

extension ProduceMessage {
    /// A message for `topic`, or for the producer's default topic.
    public init(
        topic: String? = nil,
        key: MessageBytes? = nil,
        value: MessageBytes? = nil,
        headers: MessageHeaders = [:],
        timestamp: Int64? = nil,
        partition: Int32? = nil
    ) {
        // The memberwise one, in the order of the properties: set one by one, they would all be copied once more.
        self.init(
            topic: topic,
            key: key,
            value: value,
            headers: headers,
            partition: partition,
            timestamp: timestamp
        )
    }

    /// A message whose key and value are texts, sent as UTF-8.
    public init(topic: String? = nil, key: String, value: String, headers: MessageHeaders = [:]) {
        self.init(
            topic: topic,
            key: MessageBytes(key),
            value: MessageBytes(value),
            headers: headers,
            partition: nil,
            timestamp: nil
        )
    }
}
