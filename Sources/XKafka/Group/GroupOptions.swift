/// How a group's partitions are shared among its members (`partition.assignment.strategy`).
///
/// All members of a group must agree on a strategy, or those that join last are refused. librdkafka does not
/// let a member offer eager and cooperative strategies together, so a group moves from one kind to the other
/// with all members stopped in between: nothing is lost, since what was done is committed.
public struct AssignmentStrategy: Sendable, Hashable, CustomStringConvertible {
    /// librdkafka's word for it.
    public let description: String

    /// Each topic's partitions in consecutive runs. At each rebalance every member gives back everything
    /// first (eager). Every version of every client knows it.
    public static let range = AssignmentStrategy(description: "range")

    /// All partitions dealt out one by one. Eager as well.
    public static let roundRobin = AssignmentStrategy(description: "roundrobin")

    /// As even as possible with as little change as possible; what stays is read on during a rebalance
    /// (cooperative). librdkafka before 2.10 has known faults with it: the consumer warns there. The last
    /// of them, an assignment lost when a commit falls into a rebalance, is avoided by holding commits back while the
    /// member joins, for which librdkafka is told to write its lines about the group (`debug`); who sets that property
    /// otherwise gives this up.
    public static let cooperativeSticky = AssignmentStrategy(description: "cooperative-sticky")
}

/// Which messages of transactions are read (`isolation.level`).
public struct IsolationLevel: Sendable, Hashable, CustomStringConvertible {
    /// Kafka's word for it.
    public let description: String

    /// Those of committed transactions, and those of none. Reading waits at the first transaction that is
    /// still open.
    public static let readCommitted = IsolationLevel(description: "read_committed")

    /// All, those of aborted transactions included.
    public static let readUncommitted = IsolationLevel(description: "read_uncommitted")
}

/// What a consumer does about a topic that does not exist.
public struct UnknownTopicPolicy: Sendable, Hashable, CustomStringConvertible {
    /// The name of the policy.
    public let description: String

    /// Go on with the other topics, say so once in the log, and read the topic once it exists. Until then
    /// ``GroupConsumer/health`` is degraded.
    public static let wait = UnknownTopicPolicy(description: "wait")

    /// End `consume` with ``/XKafkaConsume/ConsumerError/Code/unknownTopic``.
    public static let fail = UnknownTopicPolicy(description: "fail")
}
