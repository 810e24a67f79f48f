public import Logging
public import XKafkaConsume
public import XKafkaCore
import XKafkaTransport

/// What a ``GroupConsumer`` reads, and how.
public struct GroupConsumerConfig: Sendable {
    /// The default of ``sessionTimeout``, 45 s.
    public static let defaultSessionTimeout = Duration.seconds(45)
    /// The default of ``heartbeatInterval``, 3 s.
    public static let defaultHeartbeatInterval = Duration.seconds(3)
    /// The default of ``maxPollInterval``, 5 min.
    public static let defaultMaxPollInterval = Duration.seconds(300)

    /// The default of ``offsetMetadataLimit``, 4,096.
    public static let defaultOffsetMetadataLimit = 4_096

    /// Addresses of some brokers, `host:port`, from which the others are found
    /// (`bootstrap.servers`). Required.
    public var brokers: [String]

    /// The group the consumer belongs to; the members of a group share the partitions of its topics
    /// (`group.id`). Required.
    public var groupID: String

    /// The topics to read; one that starts with `^` is a regular expression. Required.
    public var topics: [String]

    /// Where reading starts in a partition for which the group has committed nothing
    /// (`auto.offset.reset`). Default ``StartOffset/earliest``, so that nothing is missed.
    public var start: StartOffset

    /// Workers, memory, retries. Default: everything in there at its own default.
    public var processing: ProcessingConfig

    /// After how long without a heartbeat the group gives a member's partitions to others
    /// (`session.timeout.ms`). Default 45 s; brokers accept 6 s to 30 min unless configured otherwise.
    public var sessionTimeout: Duration

    /// How often the consumer tells the group that it lives (`heartbeat.interval.ms`). Default 3 s,
    /// at most a third of ``sessionTimeout`` makes sense.
    public var heartbeatInterval: Duration

    /// How long the library may take over answering a rebalance before the group goes on without
    /// this member (`max.poll.interval.ms`). Slow handlers do not count. Default 5 min.
    public var maxPollInterval: Duration

    /// How the group's partitions are shared among its members (`partition.assignment.strategy`). Default
    /// ``AssignmentStrategy/range``, which all members of a fleet agree on, whatever their version.
    public var assignmentStrategy: AssignmentStrategy

    /// The name of this member, if it is to keep its partitions across a restart
    /// (`group.instance.id`). Default `nil`: none.
    ///
    /// A static member does not leave the group when it stops. When it is back within ``sessionTimeout``,
    /// nothing was rebalanced; otherwise its partitions go to others only then. No two members may have
    /// the same name at the same time: the older one is told to end, and `consume` throws a fatal
    /// `KafkaError` there.
    public var groupInstanceID: String?

    /// Which messages of transactions are read (`isolation.level`). Default
    /// ``IsolationLevel/readCommitted``.
    public var isolationLevel: IsolationLevel

    /// What happens when one of ``topics`` does not exist. Default ``UnknownTopicPolicy/wait``.
    public var unknownTopics: UnknownTopicPolicy

    /// Called when partitions were assigned, before their first message is handled. Default: nothing.
    ///
    /// Handling waits for it, for at most `processing.drainDeadline`. Like the others of its kind it runs
    /// while everything else goes on, and may call ``GroupConsumer/close()``.
    public var onAssigned: (@Sendable ([TopicPartition]) async -> Void)?

    /// Called when partitions are taken away, after what was in hand of them has ended and was committed,
    /// and before another member gets them; also at the end of `consume`. Default: nothing.
    ///
    /// It is waited for, for at most `processing.drainDeadline` counted from the start of the drain.
    public var onRevoked: (@Sendable ([TopicPartition], DrainReport) async -> Void)?

    /// Called when partitions were lost: the group gave them to others without asking, for example after
    /// the connection was down for longer than ``sessionTimeout``. Handlers that were busy with them were
    /// cancelled, and nothing was committed. Default: nothing. Nothing waits for it.
    public var onLost: (@Sendable ([TopicPartition]) async -> Void)?

    /// The handlers that every message passes through, outermost first, before it comes to the function
    /// given to `consume`. They run once per attempt. Default: none.
    public var handlers: [any ConsumeHandler]

    /// Further handlers for messages of single topics, by the topic's exact name. Default: none.
    public var topicHandlers: [String: ConsumeTopicHandlers]

    /// How many characters of metadata a commit may carry: what the brokers' `offset.metadata.max.bytes`
    /// says. Default 4,096, as there.
    ///
    /// The metadata tells which messages beyond the committed offset are completed as well, so that the
    /// next owner of a partition does not handle them again. What does not fit is handled again; 0 sends
    /// none.
    public var offsetMetadataLimit: Int

    /// Encryption and authentication. Default: neither.
    public var security: SecurityConfig

    /// How this client shows in brokers' logs and quotas (`client.id`). Default `xkafka`, followed by
    /// a random part: members with equal ids can make some assignment strategies rebalance for ever.
    public var clientID: String

    /// Which metrics are given. Default `nil`: none.
    public var metrics: MetricsConfig?

    /// Where the consumer, and librdkafka, write their log lines. Default: a logger with the label
    /// `xkafka`.
    public var logger: Logger

    /// Further librdkafka properties, by its own names. Those that a field above sets, or that the
    /// library owns, are refused, and so is what librdkafka does not know. Default: none.
    public var librdkafkaProperties: [String: String]

    /// A configuration with everything at its default but what is given.
    public init(
        brokers: [String],
        groupID: String,
        topics: [String],
        start: StartOffset = .earliest,
        processing: ProcessingConfig = ProcessingConfig(),
        handlers: [any ConsumeHandler] = [],
        security: SecurityConfig = .plaintext,
        logger: Logger = Logger(label: "xkafka")
    ) {
        self.brokers = brokers
        self.groupID = groupID
        self.topics = topics
        self.start = start
        self.processing = processing
        self.handlers = handlers
        self.security = security
        self.logger = logger
        sessionTimeout = Self.defaultSessionTimeout
        heartbeatInterval = Self.defaultHeartbeatInterval
        maxPollInterval = Self.defaultMaxPollInterval
        assignmentStrategy = .range
        groupInstanceID = nil
        isolationLevel = .readCommitted
        unknownTopics = .wait
        onAssigned = nil
        onRevoked = nil
        onLost = nil
        topicHandlers = [:]
        offsetMetadataLimit = Self.defaultOffsetMetadataLimit
        clientID = ClientID.random()
        metrics = nil
        librdkafkaProperties = [:]
    }
}

extension GroupConsumerConfig {
    /// Throws everything that is wrong with this configuration, at once; librdkafka's own rules
    /// included. Connects to nothing.
    public func validate() throws(ConfigurationError) {
        var checks = ConfigurationChecks(of: "GroupConsumerConfig")
        checks.requireBrokers(brokers)
        checks.requireText(groupID, "groupID", "group ID is required")
        checks.require(!topics.isEmpty, "topics", got: topics, "topics are required")
        for topic in topics { checks.requireText(topic, "topics", "a topic has a name") }
        checks.require(Set(topics).count == topics.count, "topics", got: topics, "each topic is named once")
        for topic in topics where topic.hasPrefix("^") {
            let refusal = TopicPattern.refusal(of: topic)
            checks.require(refusal == nil, "topics", got: "\"\(topic)\"", refusal ?? "")
        }
        if let groupInstanceID {
            checks.requireText(groupInstanceID, "groupInstanceID", "a member has a name; use nil for none")
        }
        for topic in topicHandlers.keys.sorted() {
            checks.requireText(topic, "topicHandlers", "topic handlers need the name of a topic")
            checks.require(
                !(topic.first?.isWhitespace ?? false) && !(topic.last?.isWhitespace ?? false),
                "topicHandlers",
                got: "\"\(topic)\"",
                "no topic's name begins or ends with white space: these handlers would never be called"
            )
        }
        processing.check(&checks)
        checks.requireMilliseconds(sessionTimeout, "sessionTimeout", in: .milliseconds(1)...Duration.seconds(3_600))
        checks.requireMilliseconds(
            heartbeatInterval,
            "heartbeatInterval",
            in: .milliseconds(1)...Duration.seconds(3_600)
        )
        checks.require(
            heartbeatInterval < sessionTimeout,
            "heartbeatInterval",
            got: heartbeatInterval,
            "must be less than sessionTimeout (\(sessionTimeout))"
        )
        checks.requireMilliseconds(maxPollInterval, "maxPollInterval", in: .milliseconds(1)...Duration.seconds(86_400))
        checks.require(
            maxPollInterval >= sessionTimeout,
            "maxPollInterval",
            got: maxPollInterval,
            "must be >= sessionTimeout (\(sessionTimeout))"
        )
        // Cancelled handlers have the grace, and so has a callback that comes late.
        let answerTime = ConsumerLoop.cancellationGrace * 2 + ConsumerLoop.finalCommitLimit
        checks.require(
            processing.drainDeadline + answerTime < maxPollInterval,
            "processing.drainDeadline",
            got: processing.drainDeadline,
            "must be less than maxPollInterval (\(maxPollInterval)) by more than \(answerTime), the time for "
                + "cancelling handlers, for the last commit and for onRevoked: the group does not wait longer"
        )
        checks.require(
            (0...1_048_576).contains(offsetMetadataLimit),
            "offsetMetadataLimit",
            got: offsetMetadataLimit,
            "must be at least 0 and at most 1,048,576"
        )
        security.check(&checks)
        metrics?.check(&checks)
        checks.checkProperties(librdkafkaProperties, owned: OwnedProperties.groupConsumer, kind: .consumer) {
            properties()
        }
        try checks.finish()
    }

    /// The whole way of a message: the handlers of its topic, then `business`.
    package func chain(_ business: @escaping ConsumeFunction) -> ConsumeFunction {
        func compose(_ handlers: [any ConsumeHandler]) -> ConsumeFunction {
            composeConsume(handlers.named(group: groupID, clientID: clientID), business)
        }
        let general = compose(handlers)
        guard !topicHandlers.isEmpty else { return general }
        let special = topicHandlers.mapValues { compose($0.combined(with: handlers)) }
        return { message in try await (special[message.topic] ?? general)(message) }
    }

    /// - Parameter partitions: how many the topics have, as far as is known: a lone member gets them all.
    package func properties(partitions: Int = PrefetchLimit.assumedPartitions) -> ClientProperties {
        var properties = ClientProperties()
        properties.setConnection(brokers: brokers, clientID: clientID, security: security, logger: logger)
        properties.setConsumer(reset: start.description, processing, partitions: partitions)
        properties.set("group.id", groupID)
        properties.set("partition.assignment.strategy", assignmentStrategy)
        if let groupInstanceID { properties.set("group.instance.id", groupInstanceID) }
        properties.set("isolation.level", isolationLevel)
        properties.set("session.timeout.ms", milliseconds: sessionTimeout)
        properties.set("heartbeat.interval.ms", milliseconds: heartbeatInterval)
        properties.set("max.poll.interval.ms", milliseconds: maxPollInterval)
        if assignmentStrategy == .cooperativeSticky, !LibrdkafkaVersion.isSafeToCooperate {
            properties.set("debug", JoinNews.debugContext)
        }
        metrics?.set(&properties)
        properties.add(librdkafkaProperties)
        return properties
    }
}
