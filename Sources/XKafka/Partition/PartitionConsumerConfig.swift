public import Logging
public import XKafkaConsume
public import XKafkaCore
import XKafkaTransport

/// What a ``PartitionConsumer`` reads, and how.
public struct PartitionConsumerConfig: Sendable {
    /// The default of ``reconnectInitialBackoff``, 200 ms.
    public static let defaultReconnectInitialBackoff = Duration.milliseconds(200)
    /// The default of ``reconnectMaxBackoff``, 5 s.
    public static let defaultReconnectMaxBackoff = Duration.seconds(5)
    /// What each pause before reconnecting is multiplied by to give the next, 2. librdkafka's own: it cannot
    /// be changed.
    public static let reconnectMultiplier = 2.0
    /// The default of ``storeFailureLimit``, 1 min.
    public static let defaultStoreFailureLimit = Duration.seconds(60)

    /// Addresses of some brokers, `host:port`, from which the others are found
    /// (`bootstrap.servers`). Required.
    public var brokers: [String]

    /// The topic to read. Required.
    public var topic: String

    /// The partitions to read, counted from 0. At least one; by default partition 0 alone.
    public var partitions: [Int32]

    /// Where reading starts in a partition for which the store holds no checkpoint. Default
    /// ``StartPosition/earliest``.
    public var start: StartPosition

    /// Where reading stops. `consume` returns when everything before it is done. Default
    /// ``EndPosition/never``.
    public var end: EndPosition

    /// What happens when the broker does not hold the offset to go on at (`auto.offset.reset`). Default
    /// ``OutOfRangePolicy/earliest``, so that nothing is missed.
    public var outOfRange: OutOfRangePolicy

    /// Where progress is kept. Default: a new ``MemoryOffsetStore``, which forgets it when the
    /// process ends.
    public var offsetStore: any OffsetStore

    /// How long the store may fail, or not answer, before the consumer gives up with
    /// ``/XKafkaConsume/ConsumerError/Code/saveOffset``. Until then saving is repeated, with growing pauses, while messages
    /// are handled. Default 1 min.
    public var storeFailureLimit: Duration

    /// The pause before a lost connection is tried anew (`reconnect.backoff.ms`). It doubles with each
    /// failure, up to ``reconnectMaxBackoff``, and starts over once the connection is there. Default 200 ms.
    public var reconnectInitialBackoff: Duration

    /// The longest such pause (`reconnect.backoff.max.ms`). Default 5 s.
    public var reconnectMaxBackoff: Duration

    /// Which messages of transactions are read (`isolation.level`). Default
    /// ``IsolationLevel/readCommitted``.
    public var isolationLevel: IsolationLevel

    /// Workers, memory, retries. `commitInterval` and `commitCount` say how often the store is written. Default:
    /// everything in there at its own default.
    public var processing: ProcessingConfig

    /// The handlers that every message passes through, outermost first, before it comes to the function
    /// given to `consume`. They run once per attempt. Default: none.
    public var handlers: [any ConsumeHandler]

    /// Encryption and authentication. Default: neither.
    public var security: SecurityConfig

    /// How this client shows in brokers' logs and quotas (`client.id`). Default `xkafka`, followed by
    /// a random part.
    public var clientID: String

    /// Which metrics are given. Default `nil`: none.
    public var metrics: MetricsConfig?

    /// Where the consumer, and librdkafka, write their log lines. Default: a logger with the label
    /// `xkafka`.
    public var logger: Logger

    /// Further librdkafka properties, by its own names. Those that a field above sets, or that the
    /// library owns, are refused, and so is what librdkafka does not know. Default: none.
    public var librdkafkaProperties: [String: String]

    /// A configuration for one partition of a topic, with everything at its default but what is given.
    public init(
        brokers: [String],
        topic: String,
        partition: Int32 = 0,
        start: StartPosition = .earliest,
        offsetStore: any OffsetStore = MemoryOffsetStore(),
        processing: ProcessingConfig = ProcessingConfig(),
        handlers: [any ConsumeHandler] = [],
        security: SecurityConfig = .plaintext,
        logger: Logger = Logger(label: "xkafka")
    ) {
        self.init(
            brokers: brokers,
            topic: topic,
            partitions: [partition],
            start: start,
            offsetStore: offsetStore,
            processing: processing,
            handlers: handlers,
            security: security,
            logger: logger
        )
    }

    /// A configuration for several partitions of a topic, with everything at its default but what is given.
    public init(
        brokers: [String],
        topic: String,
        partitions: [Int32],
        start: StartPosition = .earliest,
        offsetStore: any OffsetStore = MemoryOffsetStore(),
        processing: ProcessingConfig = ProcessingConfig(),
        handlers: [any ConsumeHandler] = [],
        security: SecurityConfig = .plaintext,
        logger: Logger = Logger(label: "xkafka")
    ) {
        self.brokers = brokers
        self.topic = topic
        self.partitions = partitions
        self.start = start
        self.offsetStore = offsetStore
        self.processing = processing
        self.handlers = handlers
        self.security = security
        self.logger = logger
        end = .never
        outOfRange = .earliest
        storeFailureLimit = Self.defaultStoreFailureLimit
        reconnectInitialBackoff = Self.defaultReconnectInitialBackoff
        reconnectMaxBackoff = Self.defaultReconnectMaxBackoff
        isolationLevel = .readCommitted
        clientID = ClientID.random()
        metrics = nil
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
        checks.require(!partitions.isEmpty, "partitions", got: partitions, "at least one partition is required")
        for partition in partitions where partition < 0 {
            checks.fail("partitions", got: partition, "partition must be >= 0")
        }
        checks.require(
            Set(partitions).count == partitions.count,
            "partitions",
            got: partitions,
            "each partition is named once"
        )
        if case .offset(let offset) = start { checks.require(offset >= 0, "start", got: offset, "must be >= 0") }
        if case .timestamp(let time) = start { checks.require(time >= 0, "start", got: time, "must be >= 0") }
        if case .offset(let offset) = end { checks.require(offset >= 0, "end", got: offset, "must be >= 0") }
        checks.requirePositive(storeFailureLimit, "storeFailureLimit")
        let pauses = Duration.milliseconds(1)...Duration.seconds(3_600)
        checks.requireMilliseconds(reconnectInitialBackoff, "reconnectInitialBackoff", in: pauses)
        checks.requireMilliseconds(reconnectMaxBackoff, "reconnectMaxBackoff", in: pauses)
        checks.require(
            reconnectMaxBackoff >= reconnectInitialBackoff,
            "reconnectMaxBackoff",
            got: reconnectMaxBackoff,
            "must be >= reconnectInitialBackoff (\(reconnectInitialBackoff))"
        )
        processing.check(&checks)
        security.check(&checks)
        metrics?.check(&checks)
        checks.checkProperties(librdkafkaProperties, owned: OwnedProperties.partitionConsumer, kind: .consumer) {
            properties()
        }
        try checks.finish()
    }

    package var topicPartitions: [TopicPartition] {
        partitions.map { TopicPartition(topic: topic, partition: $0) }
    }

    func properties() -> ClientProperties {
        var properties = ClientProperties()
        setConnection(&properties)
        properties.setConsumer(reset: outOfRange.description, processing, partitions: partitions.count)
        properties.set("isolation.level", isolationLevel)
        // librdkafka wants a group name for its consumer queue. No group is joined and nothing is
        // committed to it.
        properties.set("group.id", Self.groupName)
        metrics?.set(&properties)
        properties.add(librdkafkaProperties)
        return properties
    }

    /// What a client needs to ask the cluster about the partitions.
    func queryProperties() -> ClientProperties {
        var properties = ClientProperties()
        setConnection(&properties)
        properties.set("isolation.level", isolationLevel)
        properties.add(librdkafkaProperties)
        return properties
    }

    /// The user's properties, and our own about connections.
    var networkProperties: [String: String] {
        librdkafkaProperties.merging([
            "reconnect.backoff.ms": "\(reconnectInitialBackoff.wholeMilliseconds)",
            "reconnect.backoff.max.ms": "\(reconnectMaxBackoff.wholeMilliseconds)",
        ]) { $1 }
    }

    static let groupName = "xkafka-partition-consumer"

    private func setConnection(_ properties: inout ClientProperties) {
        properties.setConnection(brokers: brokers, clientID: clientID, security: security, logger: logger)
        properties.set("reconnect.backoff.ms", milliseconds: reconnectInitialBackoff)
        properties.set("reconnect.backoff.max.ms", milliseconds: reconnectMaxBackoff)
    }
}
