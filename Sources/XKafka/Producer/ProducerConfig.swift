public import Logging
public import XKafkaCore
import XKafkaTransport

/// Where a ``Producer`` sends, and how.
///
/// Every message is acknowledged by all in-sync replicas (`acks=all`), and sending is idempotent:
/// librdkafka's own retries neither repeat nor reorder messages.
public struct ProducerConfig: Sendable {
    /// The default of ``linger``, 5 ms.
    public static let defaultLinger = Duration.milliseconds(5)
    /// The default of ``deliveryTimeout``, 2 min.
    public static let defaultDeliveryTimeout = Duration.seconds(120)
    /// The default of ``maxInFlightMessages``, 100,000.
    public static let defaultMaxInFlightMessages = 100_000
    /// The default of ``maxInFlightBytes``, 64 MiB.
    public static let defaultMaxInFlightBytes = 64 * 1_024 * 1_024
    /// The default of ``closeDeadline``, 30 s.
    public static let defaultCloseDeadline = Duration.seconds(30)

    /// Addresses of some brokers, `host:port`, from which the others are found
    /// (`bootstrap.servers`). Required.
    public var brokers: [String]

    /// The topic of messages that name none. Default `nil`: every message names its topic.
    public var defaultTopic: String?

    /// How long a message waits for others to share its request (`linger.ms`). Default 5 ms; 0 sends
    /// at once.
    public var linger: Duration

    /// How batches are compressed (`compression.type`). Default ``Compression/none``.
    public var compression: Compression

    /// How long a message may take, all of librdkafka's retries included, before it fails
    /// (`delivery.timeout.ms`). Default 2 min.
    public var deliveryTimeout: Duration

    /// How many messages may be on their way at the same time; whoever sends more waits. Default
    /// 100,000.
    public var maxInFlightMessages: Int

    /// How many bytes of keys, values and headers may be on their way at the same time; whoever sends
    /// more waits. Default 64 MiB. One message that is larger is still sent.
    public var maxInFlightBytes: Int

    /// How long ``Producer/close()`` waits for messages that are on their way. Default 30 s.
    public var closeDeadline: Duration

    /// Encryption and authentication. Default: neither.
    public var security: SecurityConfig

    /// How this client shows in brokers' logs and quotas (`client.id`). Default `xkafka`, followed by
    /// a random part.
    public var clientID: String

    /// Where the producer, and librdkafka, write their log lines. Default: a logger with the label
    /// `xkafka`.
    public var logger: Logger

    /// Further librdkafka properties, by its own names. Those that a field above sets, or that the
    /// library owns, are refused, and so is what librdkafka does not know.
    ///
    /// The partitioner is `fnv1a_random` unless set here: messages with a key go where xkafka sends
    /// them, those without are spread.
    public var librdkafkaProperties: [String: String]

    /// A configuration with everything at its default but the addresses.
    public init(
        brokers: [String],
        defaultTopic: String? = nil,
        linger: Duration = ProducerConfig.defaultLinger,
        compression: Compression = .none,
        security: SecurityConfig = .plaintext,
        logger: Logger = Logger(label: "xkafka")
    ) {
        self.brokers = brokers
        self.defaultTopic = defaultTopic
        self.linger = linger
        self.compression = compression
        self.security = security
        self.logger = logger
        deliveryTimeout = Self.defaultDeliveryTimeout
        maxInFlightMessages = Self.defaultMaxInFlightMessages
        maxInFlightBytes = Self.defaultMaxInFlightBytes
        closeDeadline = Self.defaultCloseDeadline
        clientID = ClientID.random()
        librdkafkaProperties = [:]
    }
}

extension ProducerConfig {
    /// Throws everything that is wrong with this configuration, at once; librdkafka's own rules
    /// included. Connects to nothing.
    public func validate() throws(ConfigurationError) {
        var checks = ConfigurationChecks(of: "ProducerConfig")
        checks.requireBrokers(brokers)
        if let defaultTopic {
            checks.requireText(defaultTopic, "defaultTopic", "a topic has a name; use nil for no default")
        }
        checks.requireMilliseconds(linger, "linger", in: .zero...Duration.seconds(900))
        checks.requireMilliseconds(deliveryTimeout, "deliveryTimeout", in: .milliseconds(1)...Duration.seconds(86_400))
        checks.require(
            linger < deliveryTimeout,
            "linger",
            got: linger,
            "must be less than deliveryTimeout (\(deliveryTimeout))"
        )
        checks.require(
            (1...10_000_000).contains(maxInFlightMessages),
            "maxInFlightMessages",
            got: maxInFlightMessages,
            "must be at least 1 and at most 10,000,000"
        )
        checks.requirePositive(maxInFlightBytes, "maxInFlightBytes")
        checks.require(closeDeadline >= .zero, "closeDeadline", got: closeDeadline, "must be at least 0")
        security.check(&checks)
        checks.checkProperties(librdkafkaProperties, owned: OwnedProperties.producer, kind: .producer) {
            properties()
        }
        try checks.finish()
    }

    func properties() -> ClientProperties {
        var properties = ClientProperties()
        properties.setConnection(brokers: brokers, clientID: clientID, security: security)
        properties.set("log.queue", true)
        properties.set("enable.idempotence", true)
        properties.set("acks", "all")
        properties.set("partitioner", "fnv1a_random")
        properties.set("compression.type", compression)
        properties.set("linger.ms", milliseconds: linger)
        properties.set("delivery.timeout.ms", milliseconds: deliveryTimeout)
        // The producer's own bound suspends where librdkafka's would fail, and librdkafka counts a message
        // a little longer than the producer does: its bounds are off. That in bytes cannot be switched
        // off, only made too large to be met.
        properties.set("queue.buffering.max.messages", 0)
        properties.set("queue.buffering.max.kbytes", 2_147_483_647)
        properties.add(librdkafkaProperties)
        return properties
    }
}
