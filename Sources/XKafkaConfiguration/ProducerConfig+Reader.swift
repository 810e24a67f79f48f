public import Configuration
public import Logging
public import XKafka
public import XKafkaCore
import XKafkaProduce

extension ProducerConfig {
    /// Reads a configuration. The keys are the names of the fields:
    ///
    /// | key | form | default |
    /// |---|---|---|
    /// | `brokers` | list of `host:port` | required |
    /// | `defaultTopic` | text | none |
    /// | `partitioner` | `fnv1a_random`, `fnv1a`, `murmur2_random`, `consistent_random` | `fnv1a_random` |
    /// | `dispatch.mode` | `serial`, `key_sharded`, `parallel` | `key_sharded` |
    /// | `dispatch.shardCount`, `.workerCount`, `.queueSize`, `.maxInFlight` | number | 32, 4, 1024, none |
    /// | `retry.maxRetries` | number, -1 for ever | -1 |
    /// | `retry.initialBackoff`, `.maxBackoff` | time | `100ms`, `10s` |
    /// | `retry.multiplier`, `.jitter` | number, `true` or `false` | 2, `true` |
    /// | `exhaustedPolicy` | `block`, `stop`, `drop` | `block` |
    /// | `logsMessages`, `successLogLevel` | `true` or `false`, log level | `true`, `debug` |
    /// | `acks` | `all`, `1`, `0` | `all` |
    /// | `isIdempotent` | `true` or `false` | `true` |
    /// | `compression` | `none`, `gzip`, `snappy`, `lz4`, `zstd` | `none` |
    /// | `linger`, `deliveryTimeout`, `closeDeadline` | time | `5ms`, `2m`, `30s` |
    /// | `batchMessages`, `maxInFlightMessages`, `maxInFlightRequests` | number | 10000, 100000, 5 |
    /// | `batchBytes`, `maxMessageBytes`, `maxInFlightBytes` | bytes | 1000000, 1000000, 67108864 |
    /// | `health.degradedAfter`, `.stalledAfter` | time | `30s`, `2m` |
    /// | `clientID` | text | `xkafka-` and random digits |
    /// | `metrics.enabled` | `true` or `false` | `true` if another key of `metrics` is set |
    /// | `metrics.prefix`, `.interval` | text, time | `xkafka`, `1s` |
    /// | `metrics.statisticsInterval` | time, or `never` | `10s` |
    /// | `librdkafkaProperties` | list of `name=value`, secret | none |
    ///
    /// The keys under `security`, and everything else, are as for a
    /// ``XKafka/GroupConsumerConfig/init(from:tokens:logger:)``.
    ///
    /// - Parameters:
    ///   - reader: where the keys are.
    ///   - tokens: for OAUTHBEARER.
    ///   - logger: as in the configuration.
    /// - Throws: `ConfigurationError` with every key that is missing or has not the form above. Whether the values
    ///   suit each other is checked by ``/XKafka/ProducerConfig/validate()``, as always.
    public init(
        from reader: ConfigReader,
        tokens: OAuthBearerTokens? = nil,
        logger: Logger = Logger(label: "xkafka")
    ) throws(ConfigurationError) {
        var settings = Settings(reader, of: "ProducerConfig")
        self.init(brokers: settings.requiredList("brokers"), security: settings.security(tokens), logger: logger)
        settings.read("defaultTopic", into: &defaultTopic)
        settings.read(
            "partitioner",
            into: &partitioner,
            from: [.fnv1aRandom, .fnv1a, .murmur2Random, .consistentRandom]
        )
        settings.read("dispatch.mode", into: &dispatch.mode, from: [.serial, .keySharded, .parallel])
        settings.read("dispatch.shardCount", into: &dispatch.shardCount)
        settings.read("dispatch.workerCount", into: &dispatch.workerCount)
        settings.read("dispatch.queueSize", into: &dispatch.queueSize)
        settings.read("dispatch.maxInFlight", into: &dispatch.maxInFlight)
        settings.readRetry("retry", into: &retry)
        settings.read("exhaustedPolicy", into: &exhaustedPolicy, from: [.block, .stop, .drop])
        settings.read("logsMessages", into: &logsMessages)
        settings.readLevel("successLogLevel", into: &successLogLevel)
        settings.read("acks", into: &acks, from: [.all, .leader, .none])
        settings.read("isIdempotent", into: &isIdempotent)
        settings.read("compression", into: &compression, from: [.none, .gzip, .snappy, .lz4, .zstd])
        settings.read("linger", into: &linger)
        settings.read("deliveryTimeout", into: &deliveryTimeout)
        settings.read("closeDeadline", into: &closeDeadline)
        settings.read("batchMessages", into: &batchMessages)
        settings.read("batchBytes", into: &batchBytes)
        settings.read("maxMessageBytes", into: &maxMessageBytes)
        settings.read("maxInFlightRequests", into: &maxInFlightRequests)
        settings.read("maxInFlightMessages", into: &maxInFlightMessages)
        settings.read("maxInFlightBytes", into: &maxInFlightBytes)
        settings.readHealth("health", into: &health)
        settings.read("clientID", into: &clientID)
        settings.readMetrics(into: &metrics)
        settings.readProperties("librdkafkaProperties", into: &librdkafkaProperties)
        try settings.finish()
    }
}
