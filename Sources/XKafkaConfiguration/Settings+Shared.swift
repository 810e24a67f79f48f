import Logging
import XKafka
import XKafkaConsume
import XKafkaCore

extension Settings {
    mutating func readRetry(_ prefix: String, into config: inout RetryConfig) {
        read("\(prefix).maxRetries", into: &config.maxRetries)
        read("\(prefix).initialBackoff", into: &config.initialBackoff)
        read("\(prefix).maxBackoff", into: &config.maxBackoff)
        read("\(prefix).multiplier", into: &config.multiplier)
        read("\(prefix).jitter", into: &config.jitter)
    }

    mutating func readLevel(_ key: String, into level: inout Logger.Level) {
        var named = Named(level: level)
        read(key, into: &named, from: Logger.Level.allCases.map { Named(level: $0) })
        level = named.level
    }

    private struct Named: CustomStringConvertible {
        let level: Logger.Level
        var description: String { level.rawValue }
    }

    mutating func readHealth(_ prefix: String, into config: inout HealthConfig) {
        read("\(prefix).degradedAfter", into: &config.degradedAfter)
        read("\(prefix).stalledAfter", into: &config.stalledAfter)
    }

    /// Metrics are on if any of their keys is there, unless `enabled` says otherwise.
    mutating func readMetrics(into config: inout MetricsConfig?) {
        let keys = ["enabled", "prefix", "interval", "partitionLimit", "statisticsInterval"]
        guard keys.contains(where: { text("metrics.\($0)") != nil }) else { return }
        var isEnabled = true
        read("metrics.enabled", into: &isEnabled)
        var metrics = config ?? MetricsConfig()
        read("metrics.prefix", into: &metrics.prefix)
        read("metrics.interval", into: &metrics.interval)
        read("metrics.partitionLimit", into: &metrics.partitionLimit)
        if text("metrics.statisticsInterval")?.trimmed == "never" {
            metrics.statisticsInterval = nil
        } else {
            read("metrics.statisticsInterval", into: &metrics.statisticsInterval)
        }
        config = isEnabled ? metrics : nil
    }

    mutating func readProcessing(into config: inout ProcessingConfig) {
        read("processing.shardCount", into: &config.shardCount)
        read("processing.shardQueueSize", into: &config.shardQueueSize)
        read("processing.maxConcurrentHandlers", into: &config.maxConcurrentHandlers)
        read("processing.byteBudget", into: &config.byteBudget)
        read("processing.maxTrackedOffsets", into: &config.maxTrackedOffsets)
        read("processing.drainDeadline", into: &config.drainDeadline)
        read("processing.commitInterval", into: &config.commitInterval)
        read("processing.commitCount", into: &config.commitCount)
        read("processing.keylessOrder", into: &config.keylessOrder, from: [.partition, .unordered])
        read("processing.attemptTimeout", into: &config.attemptTimeout)
        readRetry("processing.retry", into: &config.retry)
        read("processing.exhaustedPolicy", into: &config.exhaustedPolicy, from: [.block, .dlqCommit, .stop])
        read("processing.logsMessages", into: &config.logsMessages)
        readLevel("processing.successLogLevel", into: &config.successLogLevel)
        readHealth("processing.health", into: &config.health)
        readDeadLetters(into: &config.deadLetters)
    }

    private mutating func readDeadLetters(into config: inout DeadLetterConfig?) {
        let prefix = "processing.deadLetters"
        guard let topic = text("\(prefix).topic") else {
            if text("\(prefix).deliveryTimeout") != nil {
                fail("\(prefix).topic", got: "nothing", "is required beside deliveryTimeout")
            }
            return
        }
        var letters = DeadLetterConfig(topic: topic)
        read("\(prefix).deliveryTimeout", into: &letters.deliveryTimeout)
        config = letters
    }
}
