public import Logging
public import XKafkaConsume
public import XKafkaCore
import XKafkaTransport

/// What a ``PartitionConsumer`` reads, and how.
public struct PartitionConsumerConfig: Sendable {
    /// Addresses of some brokers, `host:port`, from which the others are found
    /// (`bootstrap.servers`). Required.
    public var brokers: [String]

    /// The topic to read. Required.
    public var topic: String

    /// The partition to read, from 0. Default 0.
    public var partition: Int32

    /// Where reading starts when the store holds no checkpoint. Default ``StartOffset/earliest``.
    public var start: StartOffset

    /// Where progress is kept. Default: a new ``MemoryOffsetStore``, which forgets it when the
    /// process ends.
    public var offsetStore: any OffsetStore

    /// Workers, memory, retries. `commitInterval` is how often the store is written.
    public var processing: ProcessingConfig

    /// The handlers that every message passes through, outermost first, before it comes to the function
    /// given to `consume`. They run once per attempt. Default: none.
    public var handlers: [any ConsumeHandler]

    /// Encryption and authentication. Default: neither.
    public var security: SecurityConfig

    /// How this client shows in brokers' logs and quotas (`client.id`). Default `xkafka`, followed by
    /// a random part.
    public var clientID: String

    /// Where the consumer, and librdkafka, write their log lines. Default: a logger with the label
    /// `xkafka`.
    public var logger: Logger

    /// Further librdkafka properties, by its own names. Those that a field above sets, or that the
    /// library owns, are refused, and so is what librdkafka does not know.
    public var librdkafkaProperties: [String: String]

    /// A configuration with everything at its default but the addresses, the topic and the partition.
    public init(
        brokers: [String],
        topic: String,
        partition: Int32 = 0,
        start: StartOffset = .earliest,
        offsetStore: any OffsetStore = MemoryOffsetStore(),
        processing: ProcessingConfig = ProcessingConfig(),
        security: SecurityConfig = .plaintext,
        logger: Logger = Logger(label: "xkafka")
    ) {
        self.brokers = brokers
        self.topic = topic
        self.partition = partition
        self.start = start
        self.offsetStore = offsetStore
        self.processing = processing
        self.security = security
        self.logger = logger
        handlers = []
        clientID = ClientID.random()
        librdkafkaProperties = [:]
    }
}

extension PartitionConsumerConfig {
    /// Throws everything that is wrong with this configuration, at once; librdkafka's own rules
    /// included. Connects to nothing.
    public func validate() throws(ConfigurationError) {
        var checks = ConfigurationChecks(of: "PartitionConsumerConfig")
        checks.requireBrokers(brokers)
        checks.requireText(topic, "topic", "topic is required")
        checks.require(partition >= 0, "partition", got: partition, "must be >= 0")
        processing.check(&checks)
        security.check(&checks)
        checks.checkProperties(librdkafkaProperties, owned: OwnedProperties.partitionConsumer, kind: .consumer) {
            properties()
        }
        try checks.finish()
    }

    package var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }

    func properties() -> ClientProperties {
        var properties = ClientProperties()
        properties.setConnection(brokers: brokers, clientID: clientID, security: security)
        properties.setConsumer(start: start, processing)
        // librdkafka wants a group name for its consumer queue. No group is joined and nothing is
        // committed to it.
        properties.set("group.id", "xkafka-partition-consumer")
        properties.add(librdkafkaProperties)
        return properties
    }
}
