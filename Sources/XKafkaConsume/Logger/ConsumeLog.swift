package import Logging
import XKafkaCore

/// The log line that each message leaves when it is done with: xkafka's, field by field, and two more for
/// ends that xkafka logs as something else.
///
/// | level | message | `result` |
/// |---|---|---|
/// | configurable, debug by default | `xkafka handle success` | `success` |
/// | error | `xkafka handle failed` | `error`, and `error` says which |
/// | warning | `xkafka handle dead-lettered` | `dead_letter`, and `error` says why |
/// | debug | `xkafka handle cancelled` | `cancelled` |
package struct ConsumeLog: Sendable {
    package enum Result: Sendable {
        case success
        case failed(any Error)
        case deadLettered(any Error)
        /// Its handler was told to stop, since its partition is given back, and did.
        case cancelled
    }

    private let logger: Logger
    private let successLevel: Logger.Level
    private let successSwitch: LevelSwitch

    package init(_ logger: Logger, successLevel: Logger.Level) {
        self.logger = logger
        self.successLevel = successLevel
        successSwitch = LevelSwitch(logger, successLevel)
    }

    /// Whether a success leaves a line, as far as ``noteLevel()`` knows: most often not, and then it should cost nothing.
    package var logsSuccess: Bool { successSwitch.isOn }

    /// Looks whether the logger's level has changed, for ``logsSuccess``.
    package func noteLevel() {
        successSwitch.look()
    }

    /// Writes the line of a message whose handling began at `start`.
    package func ended(_ message: ConsumeContext, _ result: Result, since start: ContinuousClock.Instant) {
        switch result {
        case .success: write(successLevel, "xkafka handle success", message, "success", nil, start)
        case .failed(let error): write(.error, "xkafka handle failed", message, "error", error, start)
        case .deadLettered(let error):
            write(.warning, "xkafka handle dead-lettered", message, "dead_letter", error, start)
        case .cancelled: write(.debug, "xkafka handle cancelled", message, "cancelled", nil, start)
        }
    }

    private func write(
        _ level: Logger.Level,
        _ text: Logger.Message,
        _ message: ConsumeContext,
        _ result: String,
        _ error: (any Error)?,
        _ start: ContinuousClock.Instant
    ) {
        guard logger.logLevel <= level else { return }
        var metadata = message.logMetadata
        metadata["duration"] = "\(start.duration(to: .now))"
        metadata["result"] = "\(result)"
        metadata["error"] = error.map { "\($0)" }
        logger.log(level: level, text, metadata: metadata)
    }
}
