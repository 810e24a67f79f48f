public import XKafkaConsume
import XKafkaCore

/// Where a consumer publishes messages that failed too often, under ``/XKafkaConsume/ExhaustedPolicy/dlqCommit``.
///
/// A dead letter has the key, the value and the headers of its message, byte for byte, and the headers of
/// `DeadLetterHeader`. Its offset counts as done only once all in-sync replicas have the letter; until then
/// publishing is repeated, with the pauses of the retry configuration, while other keys go on.
public struct DeadLetterConfig: Sendable {
    /// The default of ``deliveryTimeout``, 30 s.
    public static let defaultDeliveryTimeout = Duration.seconds(30)

    /// The topic to publish to. Required, unless ``publisher`` is set, which may use it or not.
    public var topic: String

    /// Publishes the letters. Default `nil`: a producer of the consumer's own, with the consumer's brokers,
    /// security and network settings, which is made for the first letter and replaced when it met a fatal
    /// error.
    public var publisher: (any DeadLetterPublisher)?

    /// How long one try at publishing may take before it counts as failed and is repeated
    /// (`delivery.timeout.ms` of the consumer's own producer). Default 30 s.
    public var deliveryTimeout: Duration

    /// Whether somebody publishes to ``topic``, as far as is known.
    private var isTopicRequired: Bool

    /// Letters for `topic`.
    public init(
        topic: String,
        deliveryTimeout: Duration = DeadLetterConfig.defaultDeliveryTimeout
    ) {
        self.topic = topic
        self.deliveryTimeout = deliveryTimeout
        publisher = nil
        isTopicRequired = true
    }

    /// Letters for `topic`, sent by a producer of yours with its own settings and handlers. The consumer does not
    /// close it; it has to be open for as long as the consumer may need it, hence closed after it.
    public init(topic: String, producer: Producer) {
        self.init(topic: topic)
        publisher = SharedProducerPublisher(producer: producer, topic: topic)
        isTopicRequired = true
    }

    /// Letters for a publisher of yours. It is not closed by the consumer.
    public init(publisher: any DeadLetterPublisher) {
        topic = ""
        deliveryTimeout = Self.defaultDeliveryTimeout
        self.publisher = publisher
        isTopicRequired = false
    }
}

extension DeadLetterConfig {
    func check(_ checks: inout ConfigurationChecks) {
        if isTopicRequired {
            checks.requireText(topic, "processing.deadLetters.topic", "a topic for dead letters is required")
        }
        checks.requireMilliseconds(
            deliveryTimeout,
            "processing.deadLetters.deliveryTimeout",
            in: .milliseconds(100)...Duration.seconds(86_400)
        )
    }
}
