public import Logging
public import XKafkaCore
public import XKafkaProduce

/// Where a ``Producer`` sends, and how.
///
/// By default every message is acknowledged by all in-sync replicas, and sending is idempotent: librdkafka's
/// own retries neither repeat nor reorder messages.
public struct ProducerConfig: Sendable {
    /// The default of ``linger``, 5 ms.
    public static let defaultLinger = Duration.milliseconds(5)
    /// The default of ``deliveryTimeout``, 2 min.
    public static let defaultDeliveryTimeout = Duration.seconds(120)
    /// The default of ``maxInFlightMessages``, 100,000.
    public static let defaultMaxInFlightMessages = 100_000
    /// The default of ``maxInFlightBytes``, 64 MiB.
    public static let defaultMaxInFlightBytes = 64 * 1_024 * 1_024
    /// The default of ``maxInFlightRequests``, 5.
    public static let defaultMaxInFlightRequests = 5
    /// The default of ``batchMessages``, 10,000.
    public static let defaultBatchMessages = 10_000
    /// The default of ``batchBytes``, 1,000,000.
    public static let defaultBatchBytes = 1_000_000
    /// The default of ``maxMessageBytes``, 1,000,000.
    public static let defaultMaxMessageBytes = 1_000_000
    /// The default of ``closeDeadline``, 30 s.
    public static let defaultCloseDeadline = Duration.seconds(30)

    // MARK: Where to

    /// Addresses of some brokers, `host:port`, from which the others are found
    /// (`bootstrap.servers`). Required.
    public var brokers: [String]

    /// The topic of messages that name none. Default `nil`: every message names its topic.
    public var defaultTopic: String?

    /// Which partition a message goes to that names none. Default ``Partitioner/fnv1aRandom``.
    public var partitioner: Partitioner

    /// Encryption and authentication. Default: neither.
    public var security: SecurityConfig

    /// How this client shows in brokers' logs and quotas (`client.id`). Default `xkafka`, followed by
    /// a random part.
    public var clientID: String

    // MARK: Order, retries, handlers

    /// Which order is kept, and how much is under way. Default: the order of each key.
    public var dispatch: ProducerDispatchConfig

    /// How messages that failed are tried again, on top of librdkafka's own retries, which end with
    /// ``deliveryTimeout``. By default for ever. 0 retries means one attempt.
    ///
    /// Order comes first: a message that failed is not tried again when a later one of its key (in serial
    /// mode: of its partition) was acknowledged meanwhile. It fails with
    /// ``/XKafkaProduce/ProducerError/Code/overtaken``. Its followers are not failed with it: those under way
    /// go on, those that failed as well are tried again in their order, and those held back go out.
    ///
    /// A message that is tried again after its request was not answered may be in the log twice; the error
    /// tells (`isPossiblyPersisted`).
    public var retry: RetryConfig

    /// What happens when that was often enough. Default ``/XKafkaProduce/ProducerExhaustedPolicy/block``.
    public var exhaustedPolicy: ProducerExhaustedPolicy

    /// Told about every failing attempt. Default `nil`: nobody.
    public var failureHook: ProduceFailureHook?

    /// Handlers that every message passes on its way, outermost first. Default none. They run once per
    /// attempt, inside of logging and retries.
    public var handlers: [any ProduceHandler]

    /// Handlers for single topics, beside or instead of ``handlers``, by the topic's name. Default none.
    public var topicHandlers: [String: ProduceTopicHandlers]

    /// Whether each message leaves a log line when it has an outcome. Default `true`. Lines about retries do
    /// not depend on it.
    public var logsMessages: Bool

    /// The level of the line of a message that was acknowledged. Default `debug`. Failures are errors.
    ///
    /// Whether the logger wants such lines is looked up when acknowledgements come, and not with each message: when its
    /// level is changed while the producer is in use, messages that were produced before the next one come without.
    public var successLogLevel: Logger.Level

    // MARK: Sending

    /// Who has to have a message before it counts as sent (`acks`). Default ``Acknowledgements/all``.
    public var acks: Acknowledgements

    /// Whether librdkafka's retries neither repeat nor reorder messages (`enable.idempotence`). Default
    /// `true`; needs ``acks`` to be ``Acknowledgements/all``. Without it, and with an order to keep,
    /// ``maxInFlightRequests`` has to be 1.
    public var isIdempotent: Bool

    /// How batches are compressed (`compression.type`). Default ``Compression/none``.
    public var compression: Compression

    /// How long a message waits for others to share its request (`linger.ms`). Default 5 ms; 0 sends
    /// at once.
    public var linger: Duration

    /// How many messages a batch has at most (`batch.num.messages`). Default 10,000.
    public var batchMessages: Int

    /// How many bytes a batch has at most (`batch.size`). Default 1,000,000.
    public var batchBytes: Int

    /// How many bytes a message has at most; a larger one fails at once (`message.max.bytes`). Default
    /// 1,000,000, a little less than brokers take by default.
    public var maxMessageBytes: Int

    /// How many requests to a broker may be unanswered (`max.in.flight.requests.per.connection`). Default 5,
    /// which is the most that idempotence allows. Many callers that each wait for one message get more done
    /// with fewer, since their messages then share requests.
    public var maxInFlightRequests: Int

    /// How long one attempt at a message may take, all of librdkafka's retries included, before it fails
    /// (`delivery.timeout.ms`). Default 2 min.
    public var deliveryTimeout: Duration

    /// How many messages may be on their way at the same time; whoever sends more waits. Default
    /// 100,000.
    public var maxInFlightMessages: Int

    /// How many bytes of keys, values and headers may be on their way at the same time; whoever sends
    /// more waits. Default 64 MiB. One message that is larger is still sent.
    public var maxInFlightBytes: Int

    /// How long ``Producer/close(deadline:)`` waits for messages that are on their way, unless told
    /// otherwise. Default 30 s.
    public var closeDeadline: Duration

    /// From when on a trouble counts in ``Producer/health``. Default: after 30 s for degraded, 2 min for stalled.
    public var health: HealthConfig

    /// Which metrics are given. Default `nil`: none.
    public var metrics: MetricsConfig?

    /// Where the producer, and librdkafka, write their log lines. Default: a logger with the label
    /// `xkafka`.
    public var logger: Logger

    /// Further librdkafka properties, by its own names. Those that a field above sets, or that the
    /// library owns, are refused, and so is what librdkafka does not know. Default: none.
    public var librdkafkaProperties: [String: String]

    /// A configuration with everything at its default but what is given.
    public init(
        brokers: [String],
        defaultTopic: String? = nil,
        dispatch: ProducerDispatchConfig = ProducerDispatchConfig(),
        retry: RetryConfig = RetryConfig(),
        exhaustedPolicy: ProducerExhaustedPolicy = .block,
        handlers: [any ProduceHandler] = [],
        linger: Duration = ProducerConfig.defaultLinger,
        compression: Compression = .none,
        security: SecurityConfig = .plaintext,
        logger: Logger = Logger(label: "xkafka")
    ) {
        self.brokers = brokers
        self.defaultTopic = defaultTopic
        self.dispatch = dispatch
        self.retry = retry
        self.exhaustedPolicy = exhaustedPolicy
        self.handlers = handlers
        self.linger = linger
        self.compression = compression
        self.security = security
        self.logger = logger
        partitioner = .fnv1aRandom
        clientID = ClientID.random()
        metrics = nil
        topicHandlers = [:]
        logsMessages = true
        successLogLevel = .debug
        acks = .all
        isIdempotent = true
        batchMessages = Self.defaultBatchMessages
        batchBytes = Self.defaultBatchBytes
        maxMessageBytes = Self.defaultMaxMessageBytes
        maxInFlightRequests = Self.defaultMaxInFlightRequests
        deliveryTimeout = Self.defaultDeliveryTimeout
        maxInFlightMessages = Self.defaultMaxInFlightMessages
        maxInFlightBytes = Self.defaultMaxInFlightBytes
        closeDeadline = Self.defaultCloseDeadline
        health = HealthConfig()
        librdkafkaProperties = [:]
    }
}
