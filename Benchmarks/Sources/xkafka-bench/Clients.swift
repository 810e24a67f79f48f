import Foundation
import Logging
import XKafka

/// What all sides of this library have in common.
enum Clients {
    /// Of a group that nobody has been in.
    static func consumer(_ brokers: String, _ topic: String) -> GroupConsumerConfig {
        GroupConsumerConfig(
            brokers: addresses(brokers),
            groupID: newGroup(),
            topics: [topic],
            logger: logger
        )
    }

    static func producer(_ brokers: String, _ topic: String, linger: Duration) -> ProducerConfig {
        ProducerConfig(brokers: addresses(brokers), defaultTopic: topic, linger: linger, logger: logger)
    }

    static func newGroup() -> String { "bench-\(UUID().uuidString)" }

    private static func addresses(_ brokers: String) -> [String] { brokers.split(separator: ",").map(String.init) }

    /// One that says nothing of successes.
    static var logger: Logger {
        var logger = Logger(label: "bench")
        logger.logLevel = .warning
        return logger
    }
}
