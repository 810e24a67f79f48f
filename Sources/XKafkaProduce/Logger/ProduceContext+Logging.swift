import Logging
import XKafkaCore

extension ProduceContext {
    /// What every line about the message carries: xkafka's names.
    var logMetadata: Logger.Metadata {
        var metadata: Logger.Metadata = [
            "attempt": "\(attempt)",
            "dispatch_key": "\(String(dispatchKey))",
            "worker": "\(worker)",
            "topic": "\(topic)",
        ]
        metadata["key"] = message.key.map { "\(String($0))" }
        return metadata
    }
}
