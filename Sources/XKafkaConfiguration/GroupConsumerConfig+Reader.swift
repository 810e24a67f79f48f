public import Configuration
public import Logging
public import XKafka
public import XKafkaCore

extension GroupConsumerConfig {
    /// Reads a configuration. The keys are the names of the fields:
    ///
    /// | key | form | default |
    /// |---|---|---|
    /// | `brokers` | list of `host:port` | required |
    /// | `groupID` | text | required |
    /// | `topics` | list | required |
    /// | `start` | `earliest`, `latest` | `earliest` |
    /// | `sessionTimeout`, `heartbeatInterval`, `maxPollInterval` | time | `45s`, `3s`, `5m` |
    /// | `assignmentStrategy` | `range`, `roundrobin`, `cooperative-sticky` | `range` |
    /// | `groupInstanceID` | text | none |
    /// | `isolationLevel` | `read_committed`, `read_uncommitted` | `read_committed` |
    /// | `unknownTopics` | `wait`, `fail` | `wait` |
    /// | `offsetMetadataLimit` | number | 4096 |
    /// | `clientID` | text | `xkafka-` and random digits |
    /// | `metrics.enabled` | `true` or `false` | `true` if another key of `metrics` is set |
    /// | `metrics.prefix`, `.interval` | text, time | `xkafka`, `1s` |
    /// | `metrics.statisticsInterval` | time, or `never` | `10s` |
    /// | `metrics.partitionLimit` | number | 100 |
    /// | `librdkafkaProperties` | list of `name=value`, secret | none |
    /// | `processing.shardCount`, `.shardQueueSize`, `.maxConcurrentHandlers` | number | 32, 1024, 32 |
    /// | `processing.byteBudget` | bytes | 67108864 |
    /// | `processing.maxTrackedOffsets` | number | 1048576 |
    /// | `processing.drainDeadline`, `.commitInterval` | time | `30s`, `1s` |
    /// | `processing.commitCount` | number | 10000 |
    /// | `processing.keylessOrder` | `partition`, `unordered` | `partition` |
    /// | `processing.attemptTimeout` | time | none |
    /// | `processing.retry.maxRetries` | number, -1 for ever | -1 |
    /// | `processing.retry.initialBackoff`, `.maxBackoff` | time | `100ms`, `10s` |
    /// | `processing.retry.multiplier`, `.jitter` | number, `true` or `false` | 2, `true` |
    /// | `processing.exhaustedPolicy` | `block`, `dlq_commit`, `stop` | `block` |
    /// | `processing.deadLetters.topic`, `.deliveryTimeout` | text, time | none, `30s` |
    /// | `processing.logsMessages`, `.successLogLevel` | `true` or `false`, log level | `true`, `debug` |
    /// | `processing.health.degradedAfter`, `.stalledAfter` | time | `30s`, `2m` |
    /// | `security.tls.enabled` | `true` or `false` | `true` if another key of `security.tls` is set |
    /// | `security.tls.certificateAuthorities.file` or `.pem` | path, or PEM (secret) | the system's |
    /// | `security.tls.clientCertificate.certificate.file` or `.pem` | path, or PEM (secret) | none |
    /// | `security.tls.clientCertificate.key.file` or `.pem` | path, or PEM (secret) | none |
    /// | `security.tls.clientCertificate.keyPassword` | text, secret | none |
    /// | `security.tls.verifiesHostname` | `true` or `false` | `true` |
    /// | `security.sasl.mechanism` | `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER` | none |
    /// | `security.sasl.username`, `.password` | text, text (secret) | none |
    ///
    /// A time has units: `500ms`, `30s`, `1m30s`. In the environment a list is separated by commas, and a key of
    /// `reader.scoped(to: "kafka")` such as `processing.shardCount` is called `KAFKA_PROCESSING_SHARD_COUNT`.
    /// Secrets are read as such, so that they do not show in the reader's access log. What code has to give, such as
    /// handlers and hooks, is set afterwards. Keys that are not listed are not noticed.
    ///
    /// - Parameters:
    ///   - reader: where the keys are, often scoped to a part of the configuration.
    ///   - tokens: for OAUTHBEARER. Given alone, without `security.sasl.mechanism`, they choose that mechanism.
    ///   - logger: as in the configuration.
    /// - Throws: `ConfigurationError` with every key that is missing or has not the form above. Whether the values
    ///   suit each other is checked by ``/XKafka/GroupConsumerConfig/validate()``, as always.
    public init(
        from reader: ConfigReader,
        tokens: OAuthBearerTokens? = nil,
        logger: Logger = Logger(label: "xkafka")
    ) throws(ConfigurationError) {
        var settings = Settings(reader, of: "GroupConsumerConfig")
        self.init(
            brokers: settings.requiredList("brokers"),
            groupID: settings.requiredText("groupID"),
            topics: settings.requiredList("topics"),
            security: settings.security(tokens),
            logger: logger
        )
        settings.read("start", into: &start, from: [.earliest, .latest])
        settings.read("sessionTimeout", into: &sessionTimeout)
        settings.read("heartbeatInterval", into: &heartbeatInterval)
        settings.read("maxPollInterval", into: &maxPollInterval)
        settings.read(
            "assignmentStrategy",
            into: &assignmentStrategy,
            from: [.range, .roundRobin, .cooperativeSticky]
        )
        settings.read("groupInstanceID", into: &groupInstanceID)
        settings.read("isolationLevel", into: &isolationLevel, from: [.readCommitted, .readUncommitted])
        settings.read("unknownTopics", into: &unknownTopics, from: [.wait, .fail])
        settings.read("offsetMetadataLimit", into: &offsetMetadataLimit)
        settings.read("clientID", into: &clientID)
        settings.readMetrics(into: &metrics)
        settings.readProperties("librdkafkaProperties", into: &librdkafkaProperties)
        settings.readProcessing(into: &processing)
        try settings.finish()
    }
}
