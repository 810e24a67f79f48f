public import XKafkaProduce

/// Why a message was not sent, or is not known to have been, for a reason that is not Kafka's.
///
/// Errors of Kafka itself are `KafkaError`.
public struct ProducerError: Error, Sendable {
    /// What kind of reason.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code.
        public let description: String

        /// The producer was closed. The message was not sent.
        public static let closed = Code(description: "closed")
        /// Neither the message nor the configuration names a topic. The message was not sent.
        public static let topicRequired = Code(description: "topicRequired")
        /// The task was cancelled while the message was under way: it may, or may not, be in the log.
        public static let outcomeUnknown = Code(description: "outcomeUnknown")
        /// A message of a batch failed. The cause is its error, ``ProducerError/batchIndex`` its place
        /// and ``ProducerError/batchResults`` the results of those before it.
        public static let batchFailed = Code(description: "batchFailed")
    }

    /// What kind of reason.
    public let code: Code

    /// The error behind it, if there is one.
    public let cause: (any Error)?

    /// For ``Code/batchFailed``: which message of the batch failed, counted from 0.
    public let batchIndex: Int?

    /// For ``Code/batchFailed``: the results of the messages before the one that failed, in order.
    /// Those behind it may have been sent as well.
    public let batchResults: [ProduceResult]

    init(_ code: Code, cause: (any Error)? = nil, batchIndex: Int? = nil, batchResults: [ProduceResult] = []) {
        self.code = code
        self.cause = cause
        self.batchIndex = batchIndex
        self.batchResults = batchResults
    }
}

extension ProducerError: CustomStringConvertible {
    /// What happened, in words.
    public var description: String {
        switch code {
        case .closed: "producer is closed"
        case .topicRequired: "producer topic is required: name one in the message, or a default in the configuration"
        case .outcomeUnknown: "cancelled while the message was under way: it may be in the log"
        case .batchFailed: "produce batch index \(batchIndex ?? 0)\(cause.map { ": \($0)" } ?? "")"
        default: "\(code)"
        }
    }
}
