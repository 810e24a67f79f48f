// The codes that this library, its tests and most users have something to say about. The full
// list is librdkafka's; any other is written `KafkaError.Code(rawValue:)`.
extension KafkaError.Code {
    // MARK: Local to librdkafka

    /// Broker connection lost or refused (`_TRANSPORT`).
    public static let transport = Self(rawValue: -195)
    /// The message was too old when its turn came: the delivery timeout passed (`_MSG_TIMED_OUT`).
    public static let messageTimedOut = Self(rawValue: -192)
    /// The end of a partition was reached (`_PARTITION_EOF`).
    public static let partitionEnd = Self(rawValue: -191)
    /// The partition does not exist (`_UNKNOWN_PARTITION`).
    public static let unknownPartition = Self(rawValue: -190)
    /// The topic does not exist, as far as this client knows (`_UNKNOWN_TOPIC`).
    public static let unknownTopic = Self(rawValue: -188)
    /// Every broker connection is down (`_ALL_BROKERS_DOWN`).
    public static let allBrokersDown = Self(rawValue: -187)
    /// An argument or a setting is not valid (`_INVALID_ARG`).
    public static let invalidArgument = Self(rawValue: -186)
    /// The operation took too long (`_TIMED_OUT`).
    public static let timedOut = Self(rawValue: -185)
    /// The local queue of messages is full (`_QUEUE_FULL`).
    public static let queueFull = Self(rawValue: -184)
    /// The offset does not exist any more, or not yet, and `auto.offset.reset` is `error`
    /// (`_AUTO_OFFSET_RESET`).
    public static let offsetOutOfRangeWithoutReset = Self(rawValue: -140)
    /// The client was used in a state that does not allow it (`_STATE`).
    public static let wrongState = Self(rawValue: -172)
    /// No offset was there to commit (`_NO_OFFSET`).
    public static let noOffset = Self(rawValue: -168)
    /// Authentication failed (`_AUTHENTICATION`).
    public static let authentication = Self(rawValue: -169)
    /// The TLS handshake or certificate failed (`_SSL`).
    public static let tls = Self(rawValue: -181)
    /// The client met a fatal error (`_FATAL`).
    public static let fatal = Self(rawValue: -150)
    /// The message was removed from the queue before it was sent (`_PURGE_QUEUE`).
    public static let purgedFromQueue = Self(rawValue: -152)
    /// The message was given up while its request was under way (`_PURGE_INFLIGHT`).
    public static let purgedInFlight = Self(rawValue: -151)

    // MARK: From the broker

    /// No error.
    public static let none = Self(rawValue: 0)
    /// The offset is outside the range the broker holds (`OFFSET_OUT_OF_RANGE`).
    public static let offsetOutOfRange = Self(rawValue: 1)
    /// The broker does not have this topic or partition (`UNKNOWN_TOPIC_OR_PART`).
    public static let unknownTopicOrPartition = Self(rawValue: 3)
    /// The partition has no leader just now (`LEADER_NOT_AVAILABLE`).
    public static let leaderNotAvailable = Self(rawValue: 5)
    /// The broker asked is not the leader of the partition (`NOT_LEADER_FOR_PARTITION`).
    public static let notLeaderForPartition = Self(rawValue: 6)
    /// The broker did not answer in time (`REQUEST_TIMED_OUT`).
    public static let requestTimedOut = Self(rawValue: 7)
    /// The message is larger than the broker takes (`MSG_SIZE_TOO_LARGE`).
    public static let messageTooLarge = Self(rawValue: 10)
    /// The metadata of a commit is longer than the broker takes (`OFFSET_METADATA_TOO_LARGE`).
    public static let offsetMetadataTooLarge = Self(rawValue: 12)
    /// The coordinator is still loading (`COORDINATOR_LOAD_IN_PROGRESS`).
    public static let coordinatorLoadInProgress = Self(rawValue: 14)
    /// The group has no coordinator just now (`COORDINATOR_NOT_AVAILABLE`).
    public static let coordinatorNotAvailable = Self(rawValue: 15)
    /// The broker asked is not the coordinator of the group (`NOT_COORDINATOR`).
    public static let notCoordinator = Self(rawValue: 16)
    /// Too few replicas are in sync to accept the message (`NOT_ENOUGH_REPLICAS`).
    public static let notEnoughReplicas = Self(rawValue: 19)
    /// The member speaks of a generation of the group that is over (`ILLEGAL_GENERATION`).
    public static let illegalGeneration = Self(rawValue: 22)
    /// The group does not know this member (`UNKNOWN_MEMBER_ID`).
    public static let unknownMember = Self(rawValue: 25)
    /// The group is being rebalanced (`REBALANCE_IN_PROGRESS`).
    public static let rebalanceInProgress = Self(rawValue: 27)
    /// Not allowed for this topic (`TOPIC_AUTHORIZATION_FAILED`).
    public static let topicAuthorizationFailed = Self(rawValue: 29)
    /// Not allowed for this group (`GROUP_AUTHORIZATION_FAILED`).
    public static let groupAuthorizationFailed = Self(rawValue: 30)
    /// Another member with the same `group.instance.id` took over (`FENCED_INSTANCE_ID`).
    public static let fencedInstance = Self(rawValue: 82)
}
