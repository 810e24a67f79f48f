import XKafkaCore

/// How messages that are produced one after the other relate: which order is kept, and how many are under way.
public struct ProducerDispatchConfig: Sendable, Hashable {
    /// Which order is kept.
    public struct Mode: Sendable, Hashable, CustomStringConvertible {
        /// xkafka's word for it.
        public let description: String

        /// In each partition the log order is the call order, over all keys, and results are told in the
        /// order of calls. One lane.
        public static let serial = Mode(description: "serial")
        /// The log order of the messages of one key is the call order. Messages without a key keep no
        /// order. ``ProducerDispatchConfig/shardCount`` lanes, chosen by FNV-1a of the key, or of the topic
        /// for a message without one.
        public static let keySharded = Mode(description: "key_sharded")
        /// No order once something fails. ``ProducerDispatchConfig/workerCount`` lanes, in turn.
        public static let parallel = Mode(description: "parallel")
    }

    /// The default of ``shardCount``, 32.
    public static let defaultShardCount = 32
    /// The default of ``workerCount``, 4.
    public static let defaultWorkerCount = 4
    /// The default of ``queueSize``, 1,024 messages.
    public static let defaultQueueSize = 1_024

    /// Which order is kept. Default ``Mode/keySharded``.
    public var mode: Mode

    /// How many lanes there are in mode ``Mode/keySharded``. Default 32.
    public var shardCount: Int

    /// How many lanes there are in mode ``Mode/parallel``. Default 4.
    public var workerCount: Int

    /// How many messages a lane holds back, because an earlier one is being tried again or is still with
    /// its handlers; whoever produces more for that lane waits. Default 1,024.
    public var queueSize: Int

    /// How many messages of a lane may be under way at the same time; `nil`, the default, sets no limit but
    /// ``ProducerConfig/maxInFlightMessages``. With 1, each message waits for the acknowledgement of the
    /// one before it, as in xkafka: no retry can ever be overtaken, and throughput is one message per
    /// lane and round trip.
    public var maxInFlight: Int?

    /// The defaults, unless told otherwise.
    public init(
        mode: Mode = .keySharded,
        shardCount: Int = ProducerDispatchConfig.defaultShardCount,
        workerCount: Int = ProducerDispatchConfig.defaultWorkerCount,
        queueSize: Int = ProducerDispatchConfig.defaultQueueSize,
        maxInFlight: Int? = nil
    ) {
        self.mode = mode
        self.shardCount = shardCount
        self.workerCount = workerCount
        self.queueSize = queueSize
        self.maxInFlight = maxInFlight
    }
}

/// What the order of a producer's messages is kept by: the modes as they are looked at for each message, where comparing
/// their names would take too long.
enum ProducerOrder {
    case ofAll, byKey, none
}

extension ProducerDispatchConfig {
    var order: ProducerOrder {
        switch mode {
        case .serial: .ofAll
        case .parallel: .none
        default: .byKey
        }
    }

    var laneCount: Int {
        switch order {
        case .ofAll: 1
        case .none: workerCount
        case .byKey: shardCount
        }
    }

    func check(_ checks: inout ConfigurationChecks) {
        for (number, name) in [(shardCount, "shardCount"), (workerCount, "workerCount")] {
            // Lanes are made at once, hence the bound.
            checks.require(
                (1...65_536).contains(number),
                "dispatch.\(name)",
                got: number,
                "must be greater than 0 and at most 65,536"
            )
        }
        checks.requirePositive(queueSize, "dispatch.queueSize")
        if let maxInFlight { checks.requirePositive(maxInFlight, "dispatch.maxInFlight") }
    }
}
