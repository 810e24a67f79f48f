package import Logging
import XKafkaCore

/// The log line that each message leaves when it has an outcome: xkafka's, field by field.
///
/// | level | message | `result` |
/// |---|---|---|
/// | configurable, debug by default | `xkafka produce success` | `success` |
/// | error | `xkafka produce failed` | `error`, and `error` says which |
package struct ProduceLog: Sendable {
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

    package func succeeded(_ message: ProduceContext, _ result: ProduceResult) {
        guard logger.logLevel <= successLevel else { return }
        var metadata = metadata(message, "success")
        metadata["partition"] = "\(result.partition)"
        metadata["offset"] = result.offset.map { "\($0)" }
        logger.log(level: successLevel, "xkafka produce success", metadata: metadata)
    }

    package func failed(_ message: ProduceContext, _ error: any Error) {
        var metadata = metadata(message, "error")
        metadata["error"] = "\(error)"
        logger.error("xkafka produce failed", metadata: metadata)
    }

    private func metadata(_ message: ProduceContext, _ result: String) -> Logger.Metadata {
        var metadata = message.logMetadata
        metadata["duration"] = "\(message.receivedAt.duration(to: .now))"
        metadata["result"] = "\(result)"
        return metadata
    }
}
