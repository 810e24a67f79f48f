import Logging
import XKafka

/// What the process is told on its command line: `--name value` pairs.
struct MemberOptions {
    struct Wrong: Error, CustomStringConvertible {
        let what: String
        var description: String { what }
    }

    var brokers: [String] = []
    var topics: [String] = []
    /// The group to join, unless a partition is given.
    var group = ""
    /// The partition to read without a group.
    var partition: Int32?
    /// Where a partition's checkpoints go: a file, or a database in which the handlers write too.
    var offsetsFile: String?
    var database: String?
    /// Whether to end at the end of the partition.
    var untilEnd = false
    var storeFailureLimit = PartitionConsumerConfig.defaultStoreFailureLimit
    var sessionTimeout: Duration?
    var heartbeatInterval: Duration?
    var processing = ProcessingConfig()
    var librdkafkaProperties: [String: String] = [:]
    var logger = Logger(label: "xkafka-test-member") { StreamLogHandler.standardError(label: $0) }
    /// How long a handler takes.
    var delay = Duration.zero
    /// The key whose handlers do not end.
    var stuckKey: MessageBytes?
    /// What else a handler does.
    var script: HandlerScript?
    /// After how many messages the process stops itself.
    var stopAfter: Int?
    /// The file of what happened.
    var ledger = ""

    init(_ arguments: [String]) throws {
        logger.logLevel = .error
        // In a debug build handlers hardly ever are quick otherwise.
        processing.quickLimit = .milliseconds(1)
        processing.isTakenToBeQuick = true
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Wrong(what: "\(name) needs a value") }
            switch name {
            case "--brokers": brokers = value.split(separator: ",").map(String.init)
            case "--group": group = value
            case "--topic": topics.append(value)
            case "--partition": partition = Int32(clamping: try Self.number(value))
            case "--offsets-file": offsetsFile = value
            case "--database": database = value
            case "--until-end": untilEnd = value == "yes"
            case "--store-failure-limit": storeFailureLimit = .milliseconds(try Self.number(value))
            case "--ledger": ledger = value
            case "--stuck-key": stuckKey = MessageBytes(value)
            case "--delay": delay = .milliseconds(try Self.number(value))
            case "--script": script = HandlerScript(seed: UInt64(bitPattern: Int64(try Self.number(value))))
            case "--stop-after": stopAfter = try Self.number(value)
            case "--retries":
                processing.retry = RetryConfig(maxRetries: try Self.number(value), initialBackoff: .milliseconds(50))
            case "--dead-letters":
                processing.exhaustedPolicy = .dlqCommit
                processing.deadLetters = DeadLetterConfig(topic: value)
            case "--handlers": processing.maxConcurrentHandlers = try Self.number(value)
            case "--byte-budget": processing.byteBudget = try Self.number(value)
            case "--commit-interval": processing.commitInterval = .milliseconds(try Self.number(value))
            case "--drain-deadline": processing.drainDeadline = .milliseconds(try Self.number(value))
            case "--session-timeout": sessionTimeout = .milliseconds(try Self.number(value))
            case "--heartbeat-interval": heartbeatInterval = .milliseconds(try Self.number(value))
            case "--log": logger.logLevel = Logger.Level(rawValue: value) ?? .error
            case "-X":
                let parts = value.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { throw Wrong(what: "\(value) is no name=value") }
                librdkafkaProperties[parts[0]] = parts[1]
            default: throw Wrong(what: "unknown option \(name)")
            }
        }
    }

    var groupConfig: GroupConsumerConfig {
        var config = GroupConsumerConfig(
            brokers: brokers,
            groupID: group,
            topics: topics,
            processing: processing,
            logger: logger
        )
        if let sessionTimeout { config.sessionTimeout = sessionTimeout }
        if let heartbeatInterval { config.heartbeatInterval = heartbeatInterval }
        config.librdkafkaProperties = librdkafkaProperties
        return config
    }

    func partitionConfig(_ partition: Int32, _ store: any OffsetStore) -> PartitionConsumerConfig {
        var config = PartitionConsumerConfig(
            brokers: brokers,
            topic: topics.first ?? "",
            partition: partition,
            offsetStore: store,
            processing: processing,
            logger: logger
        )
        if untilEnd { config.end = .untilEnd }
        config.storeFailureLimit = storeFailureLimit
        config.librdkafkaProperties = librdkafkaProperties
        return config
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text) else { throw Wrong(what: "\(text) is no number") }
        return number
    }
}
