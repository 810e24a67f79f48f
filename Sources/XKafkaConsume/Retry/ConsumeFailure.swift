public import XKafkaCore

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Told about every step of a message's failing, in order; see ``ConsumeFailure/Stage``.
///
/// Called on the task that handles the message, between its attempts: it should return soon. Handlers of
/// other keys go on meanwhile.
public typealias ConsumeFailureHook = @Sendable (ConsumeFailure) -> Void

/// One step of a message's failing.
///
/// What is told, for each attempt that fails, by policy:
///
/// | case | stages in order, with ``willRetry`` |
/// |---|---|
/// | attempts are left | `retry` (yes) |
/// | `block`, the last one allowed | `retry` (yes), `exhausted` (yes) |
/// | `block`, later ones | `retry` (yes) |
/// | `dlqCommit`, the last one allowed | `retry` (no), `exhausted` (no); then `dlq` (yes) for each publish that fails, and `dlq` (no) for the one that succeeds |
/// | `stop`, the last one allowed | `retry` (no), `exhausted` (no), `stop` (no) |
///
/// A handler that is cancelled because its partition is given back has not failed.
public struct ConsumeFailure: Sendable {
    /// What step it is.
    public struct Stage: Sendable, Hashable, CustomStringConvertible {
        /// xkafka's word for it.
        public let description: String

        /// An attempt failed.
        public static let retry = Stage(description: "retry")
        /// It was the last one allowed. Told once per message.
        public static let exhausted = Stage(description: "exhausted")
        /// The message was published as a dead letter, or that failed.
        public static let dlq = Stage(description: "dlq")
        /// The consumer stops because of it.
        public static let stop = Stage(description: "stop")
    }

    /// The message, with the number of the attempt that failed.
    public let message: ConsumeContext

    /// What step it is.
    public let stage: Stage

    /// The handler's error; for ``Stage/dlq`` with ``willRetry`` the publisher's, wrapped; for
    /// ``Stage/stop`` what `consume` throws.
    public let error: any Error

    /// What the consumer does with messages that failed too often.
    public let policy: ExhaustedPolicy

    /// Whether the step is followed by another attempt: of the handler, or for ``Stage/dlq`` of the
    /// publishing.
    public let willRetry: Bool

    /// When it happened.
    public let timestamp: Date

    /// The message's logical key.
    public var logicalKey: MessageBytes { message.logicalKey }

    /// The message's shard.
    public var shard: Int { message.shard }

    /// The attempt that failed, counted from 1.
    public var attempt: Int { message.attempt }

    package init(
        _ message: ConsumeContext,
        _ stage: Stage,
        _ error: any Error,
        policy: ExhaustedPolicy,
        willRetry: Bool,
        timestamp: Date
    ) {
        self.message = message
        self.stage = stage
        self.error = error
        self.policy = policy
        self.willRetry = willRetry
        self.timestamp = timestamp
    }
}
