public import XKafkaCore

/// Why `consume` ended or did not start, or why a message failed, for a reason that is neither Kafka's
/// nor the handler's own.
///
/// Errors of Kafka itself are `KafkaError`.
public struct ConsumerError: Error, Sendable {
    /// What kind of reason.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code.
        public let description: String

        /// `consume` was called while an earlier call has not returned. Make a second consumer.
        public static let alreadyConsuming = Code(description: "alreadyConsuming")
        /// The consumer was closed. Make a new one.
        public static let closed = Code(description: "closed")
        /// A handler failed as often as allowed and the policy is ``ExhaustedPolicy/stop``. The cause
        /// is the handler's last error.
        public static let retriesExhausted = Code(description: "retriesExhausted")
        /// An attempt took longer than the limit for one, and was cancelled. The cause is what the
        /// handler threw then.
        public static let attemptTimedOut = Code(description: "attemptTimedOut")
        /// The key extractor failed for a message. The cause is its error.
        public static let keyExtraction = Code(description: "keyExtraction")
        /// A dead letter could not be published. The cause is the publisher's error. It is tried again.
        public static let deadLetter = Code(description: "deadLetter")
        /// A topic does not exist, and the consumer is told to fail then. The cause is the broker's error.
        public static let unknownTopic = Code(description: "unknownTopic")
        /// The broker does not hold the offset to go on at, and the consumer is told to fail then. The cause
        /// is librdkafka's error.
        public static let offsetOutOfRange = Code(description: "offsetOutOfRange")
        /// The offset store failed for too long. The cause is its error. What was completed since it last
        /// worked will be handled again.
        public static let saveOffset = Code(description: "saveOffset")
        /// The offset store could not be read. The cause is the store's error; without one the store answered an offset
        /// below 0, which ``ConsumerError/position`` names.
        public static let loadOffset = Code(description: "loadOffset")
        /// The last commit, or the last save to the offset store, was not answered in time. What it
        /// covered may be read again.
        public static let commitTimedOut = Code(description: "commitTimedOut")
    }

    /// What kind of reason.
    public let code: Code

    /// The message it is about, if it is about one.
    public let position: TopicPartitionOffset?

    /// The error behind it, if there is one.
    public let cause: (any Error)?

    package init(_ code: Code, position: TopicPartitionOffset? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.position = position
        self.cause = cause
    }
}

extension ConsumerError: CustomStringConvertible {
    /// What happened, in words.
    public var description: String {
        let cause = cause.map { ": \($0)" } ?? ""
        let place = position.map { " (\($0))" } ?? ""
        return switch code {
        case .alreadyConsuming: "consume was called while an earlier call is still running"
        case .closed: "the consumer is closed"
        case .retriesExhausted: "handle message exhausted retries\(place)\(cause)"
        case .attemptTimedOut: "the attempt took too long and was cancelled\(place)\(cause)"
        case .keyExtraction: "extract logical key\(place)\(cause)"
        case .deadLetter: "publish dlq message\(place)\(cause)"
        case .unknownTopic: "a topic does not exist; create it, or set unknownTopics to wait\(cause)"
        case .offsetOutOfRange: "the broker does not hold the offset to go on at\(cause)"
        case .saveOffset: "save offset\(place)\(cause)"
        case .loadOffset: "load offset\(place)\(cause.isEmpty ? ": the store holds one below 0" : cause)"
        case .commitTimedOut: "the last commit was not answered in time"
        default: "\(code)\(place)\(cause)"
        }
    }
}
