import Logging
import XKafkaConsume
import XKafkaCore

/// A consumer's configuration, as far as dead letters are concerned.
protocol DeadLetterSource {
    var brokers: [String] { get }
    var clientID: String { get }
    var security: SecurityConfig { get }
    /// The properties that the user set, or would have to.
    var networkProperties: [String: String] { get }
    var processing: ProcessingConfig { get }
    var logger: Logger { get }
}

extension GroupConsumerConfig: DeadLetterSource {
    var networkProperties: [String: String] { librdkafkaProperties }
}

extension PartitionConsumerConfig: DeadLetterSource {}

extension DeadLetterSource {
    /// Who publishes dead letters, if the policy asks for that: the user's publisher, or one with a producer
    /// of its own.
    func deadLetterPublisher() -> (any DeadLetterPublisher)? {
        guard processing.exhaustedPolicy == .dlqCommit, let config = processing.deadLetters else { return nil }
        if let publisher = config.publisher { return publisher }
        let properties = ClientProperties.deadLetterProducer(
            brokers: brokers,
            clientID: clientID,
            security: security,
            librdkafkaProperties: networkProperties,
            deliveryTimeout: config.deliveryTimeout,
            logger: logger
        )
        return DeadLetterProducer(topic: config.topic, properties: properties, logger: logger)
    }
}
