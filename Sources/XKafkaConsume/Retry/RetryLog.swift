import Logging
import XKafkaCore

/// The log lines about failed messages: xkafka's, word for word and field by field.
struct RetryLog: Sendable {
    private let logger: Logger

    init(_ logger: Logger) {
        self.logger = logger
    }

    func retrying(_ message: ConsumeContext, _ error: any Error, after pause: Duration) {
        logger.warning("xkafka retrying message", metadata: metadata(message, error, pause))
    }

    func publishFailed(_ message: ConsumeContext, _ error: any Error, after pause: Duration) {
        logger.error("xkafka dlq publish failed", metadata: metadata(message, error, pause))
    }

    func stopping(_ message: ConsumeContext, _ error: any Error) {
        logger.error("xkafka stop consuming message", metadata: metadata(message, error))
    }

    private func metadata(
        _ message: ConsumeContext,
        _ error: any Error,
        _ pause: Duration? = nil
    ) -> Logger.Metadata {
        var metadata = message.logMetadata
        metadata["backoff"] = pause.map { "\($0)" }
        metadata["error"] = "\(error)"
        return metadata
    }
}

extension ConsumeContext {
    /// What log lines say of a message: where it is from and what orders it, never what it says.
    var logMetadata: Logger.Metadata {
        [
            "topic": "\(topic)", "partition": "\(partition)", "offset": "\(offset)",
            "logical_key": "\(String(logicalKey))", "shard": "\(shard)", "attempt": "\(attempt)",
        ]
    }
}
