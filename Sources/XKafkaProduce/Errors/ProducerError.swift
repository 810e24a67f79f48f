public import XKafkaCore

/// Why a message was not sent, or is not known to have been, for a reason that is not Kafka's.
///
/// Errors of Kafka itself are `KafkaError`. None of these is worth trying again with the same producer,
/// hence `PermanentError`.
public struct ProducerError: PermanentError {
    /// What kind of reason.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The name of the code.
        public let description: String

        /// The producer was closed. The message was not sent, unless the cause says that it may have been.
        public static let closed = Code(description: "closed")
        /// Neither the message nor the configuration names a topic. The message was not sent.
        public static let topicRequired = Code(description: "topicRequired")
        /// The task was cancelled, or the deadline passed, while the message was under way: it may, or may
        /// not, be in the log.
        public static let outcomeUnknown = Code(description: "outcomeUnknown")
        /// The message's deadline passed. It was not sent, unless the cause says that it may have been.
        public static let deadlineExceeded = Code(description: "deadlineExceeded")
        /// The message failed as often as is allowed, and the policy is ``ProducerExhaustedPolicy/stop``.
        /// The cause is its last error.
        public static let retriesExhausted = Code(description: "retriesExhausted")
        /// The message failed as often as is allowed, and the policy is ``ProducerExhaustedPolicy/drop``.
        /// The cause is its last error.
        public static let dropped = Code(description: "dropped")
        /// The message failed, and a later one of its key (in serial mode: of its partition) is in the log
        /// already: trying again would turn their order around. The cause is its error.
        public static let overtaken = Code(description: "overtaken")
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

    package init(_ code: Code, cause: (any Error)? = nil, batchIndex: Int? = nil, batchResults: [ProduceResult] = []) {
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
        case .closed: "producer is closed" + suffix
        case .topicRequired: "producer topic is required: name one in the message, or a default in the configuration"
        case .outcomeUnknown: "given up while the message was under way: it may be in the log"
        case .deadlineExceeded: "the message's deadline has passed" + suffix
        case .retriesExhausted: "produce message exhausted retries" + suffix
        case .dropped: "producer message dropped after retries exhausted" + suffix
        case .overtaken: "not tried again, since a later message is in the log already" + suffix
        case .batchFailed: "produce batch index \(batchIndex ?? 0)" + suffix
        default: "\(code)" + suffix
        }
    }

    private var suffix: String { cause.map { ": \($0)" } ?? "" }
}
