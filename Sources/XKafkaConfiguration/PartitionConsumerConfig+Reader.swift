public import Configuration
public import Logging
public import XKafka
public import XKafkaCore

extension PartitionConsumerConfig {
    /// Reads a configuration. The keys are the names of the fields:
    ///
    /// | key | form | default |
    /// |---|---|---|
    /// | `brokers` | list of `host:port` | required |
    /// | `topic` | text | required |
    /// | `partitions` | list of numbers | 0 |
    /// | `start` | `earliest`, `latest`, `offset:42`, `timestamp:` and milliseconds since 1970 | `earliest` |
    /// | `end` | `never`, `untilEnd`, `offset:42` | `never` |
    /// | `outOfRange` | `earliest`, `latest`, `fail` | `earliest` |
    /// | `storeFailureLimit` | time | `1m` |
    /// | `reconnectInitialBackoff`, `reconnectMaxBackoff` | time | `200ms`, `5s` |
    /// | `isolationLevel` | `read_committed`, `read_uncommitted` | `read_committed` |
    /// | `clientID` | text | `xkafka-` and random digits |
    /// | `metrics.enabled` | `true` or `false` | `true` if another key of `metrics` is set |
    /// | `metrics.prefix`, `.interval` | text, time | `xkafka`, `1s` |
    /// | `metrics.statisticsInterval` | time, or `never` | `10s` |
    /// | `metrics.partitionLimit` | number | 100 |
    /// | `librdkafkaProperties` | list of `name=value`, secret | none |
    ///
    /// The keys under `processing` and `security`, and everything else, are as for a
    /// ``XKafka/GroupConsumerConfig/init(from:tokens:logger:)``.
    ///
    /// - Parameters:
    ///   - reader: where the keys are.
    ///   - offsetStore: as in the configuration.
    ///   - tokens: for OAUTHBEARER.
    ///   - logger: as in the configuration.
    /// - Throws: `ConfigurationError` with every key that is missing or has not the form above. Whether the values
    ///   suit each other is checked by ``/XKafka/PartitionConsumerConfig/validate()``, as always.
    public init(
        from reader: ConfigReader,
        offsetStore: any OffsetStore = MemoryOffsetStore(),
        tokens: OAuthBearerTokens? = nil,
        logger: Logger = Logger(label: "xkafka")
    ) throws(ConfigurationError) {
        var settings = Settings(reader, of: "PartitionConsumerConfig")
        self.init(
            brokers: settings.requiredList("brokers"),
            topic: settings.requiredText("topic"),
            partitions: settings.partitions(),
            offsetStore: offsetStore,
            security: settings.security(tokens),
            logger: logger
        )
        start = settings.start() ?? start
        end = settings.end() ?? end
        settings.readOutOfRange(into: &outOfRange)
        settings.read("storeFailureLimit", into: &storeFailureLimit)
        settings.read("reconnectInitialBackoff", into: &reconnectInitialBackoff)
        settings.read("reconnectMaxBackoff", into: &reconnectMaxBackoff)
        settings.read("isolationLevel", into: &isolationLevel, from: [.readCommitted, .readUncommitted])
        settings.read("clientID", into: &clientID)
        settings.readMetrics(into: &metrics)
        settings.readProperties("librdkafkaProperties", into: &librdkafkaProperties)
        settings.readProcessing(into: &processing)
        try settings.finish()
    }
}

extension Settings {
    fileprivate mutating func partitions() -> [Int32] {
        guard let texts = list("partitions") else { return [0] }
        return texts.map { text in
            if let partition = Int32(text) { return partition }
            fail("partitions", got: "\"\(text)\"", "must be numbers of partitions, such as 0,1,2")
            return 0
        }
    }

    fileprivate mutating func start() -> StartPosition? {
        guard let text = text("start")?.trimmed else { return nil }
        switch text {
        case "earliest": return .earliest
        case "latest": return .latest
        default:
            if let offset = number(in: text, after: "offset:") { return .offset(offset) }
            if let time = number(in: text, after: "timestamp:") { return .timestamp(time) }
            fail("start", got: "\"\(text)\"", "must be earliest, latest, offset:NUMBER or timestamp:MILLISECONDS")
            return nil
        }
    }

    fileprivate mutating func end() -> EndPosition? {
        guard let text = text("end")?.trimmed else { return nil }
        switch text {
        case "never": return .never
        case "untilEnd": return .untilEnd
        default:
            if let offset = number(in: text, after: "offset:") { return .offset(offset) }
            fail("end", got: "\"\(text)\"", "must be never, untilEnd or offset:NUMBER")
            return nil
        }
    }

    fileprivate mutating func readOutOfRange(into policy: inout OutOfRangePolicy) {
        switch text("outOfRange")?.trimmed {
        case nil: break
        case "earliest"?: policy = .earliest
        case "latest"?: policy = .latest
        case "fail"?: policy = .fail
        case let text?: fail("outOfRange", got: "\"\(text)\"", "must be earliest, latest or fail")
        }
    }

    private func number(in text: String, after prefix: String) -> Int64? {
        text.hasPrefix(prefix) ? Int64(text.dropFirst(prefix.count)) : nil
    }
}
