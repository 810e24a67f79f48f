#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Told about every step of a message's failing, in order; see ``ProduceFailure/Stage``.
///
/// Called on the task that sends the message, between its attempts: it should return soon. Messages of other
/// keys go on meanwhile.
public typealias ProduceFailureHook = @Sendable (ProduceFailure) -> Void

/// One step of a message's failing.
///
/// What is told, for each attempt that fails, by policy:
///
/// | case | stages in order, with ``willRetry`` |
/// |---|---|
/// | attempts are left | `retry` (yes) |
/// | `block`, the last one allowed | `retry` (yes), `exhausted` (yes) |
/// | `block`, later ones | `retry` (yes) |
/// | `block`, an error for which trying again is of no use | `retry` (no), `exhausted` (no) |
/// | `stop`, the last one allowed | `retry` (no), `exhausted` (no), `stop` (no) |
/// | `drop`, the last one allowed | `retry` (no), `exhausted` (no), `drop` (no) |
///
/// A message that is given up because the producer is closed has not failed in this sense.
public struct ProduceFailure: Sendable {
    /// What step it is.
    public struct Stage: Sendable, Hashable, CustomStringConvertible {
        /// xkafka's word for it.
        public let description: String

        /// An attempt failed.
        public static let retry = Stage(description: "retry")
        /// It was the last one allowed. Told once per message.
        public static let exhausted = Stage(description: "exhausted")
        /// The message fails, by policy ``ProducerExhaustedPolicy/stop``.
        public static let stop = Stage(description: "stop")
        /// The message fails, by policy ``ProducerExhaustedPolicy/drop``.
        public static let drop = Stage(description: "drop")
    }

    /// The message, with the number of the attempt that failed.
    public let message: ProduceContext

    /// What step it is.
    public let stage: Stage

    /// The attempt's error; for ``Stage/stop`` and ``Stage/drop`` what the message fails with.
    public let error: any Error

    /// What the producer does with messages that failed too often.
    public let policy: ProducerExhaustedPolicy

    /// Whether the message is tried again.
    public let willRetry: Bool

    /// When it happened.
    public let timestamp: Date

    /// The attempt that failed, counted from 1.
    public var attempt: Int { message.attempt }
}
