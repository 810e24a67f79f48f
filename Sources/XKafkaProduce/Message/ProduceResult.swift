public import XKafkaCore

/// Where a message went, as the broker acknowledged it.
public struct ProduceResult: Sendable, Hashable {
    /// How sure it is that the log holds the message.
    public struct Persistence: Sendable, Hashable, CustomStringConvertible {
        // Not a text: every message under way has room for a result.
        private let isCertain: Bool

        /// The broker acknowledged the message.
        public static let persisted = Persistence(isCertain: true)
        /// The message was sent and nobody said what became of it: no acknowledgement was asked for
        /// (`acks=0`).
        public static let possiblyPersisted = Persistence(isCertain: false)

        /// The name of the case.
        public var description: String { isCertain ? "persisted" : "possiblyPersisted" }
    }

    /// The topic.
    public let topic: String

    /// The partition.
    public let partition: Int32

    /// The offset in that partition; `nil` when the broker does not tell (acks 0).
    public let offset: Int64?

    /// The time the message carries in the log.
    public let timestamp: MessageTimestamp?

    /// How sure it is that the log holds the message.
    public let persistence: Persistence

    /// How many attempts it took, counted from 1.
    public package(set) var attempt: Int
}

extension ProduceResult {
    /// A result as the broker, a middleware or a test gives it.
    public init(
        topic: String,
        partition: Int32,
        offset: Int64?,
        timestamp: MessageTimestamp?,
        attempt: Int = 1,
        persistence: Persistence = .persisted
    ) {
        // The memberwise one, in the order of the properties: set one by one, they would all be copied once more.
        self.init(
            topic: topic,
            partition: partition,
            offset: offset,
            timestamp: timestamp,
            persistence: persistence,
            attempt: attempt
        )
    }
}
