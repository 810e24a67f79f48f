import Configuration
import Logging
import Testing
import XKafka
import XKafkaConfiguration

/// Configurations from the environment.
@Suite struct EnvironmentTests {
    private func reader(_ variables: [String: String]) -> ConfigReader {
        ConfigReader(provider: EnvironmentVariablesProvider(environmentVariables: variables)).scoped(to: "kafka")
    }

    private let required = ["KAFKA_BROKERS": "a:1, b:2", "KAFKA_GROUP_ID": "billing", "KAFKA_TOPICS": "orders,^x.*"]

    @Test func whatIsNotSetIsTheDefault() throws {
        let read = try GroupConsumerConfig(from: reader(required))
        #expect(read.brokers == ["a:1", "b:2"])
        #expect(read.groupID == "billing")
        #expect(read.topics == ["orders", "^x.*"])
        let expected = GroupConsumerConfig(brokers: read.brokers, groupID: "billing", topics: read.topics)
        #expect(read.security == .plaintext)
        #expect(read.processing.retry == RetryConfig())
        #expect(read.processing.deadLetters == nil)
        #expect(read.start == expected.start)
        #expect(read.maxPollInterval == expected.maxPollInterval)
        #expect(read.clientID.hasPrefix("xkafka-"))
        try read.validate()
    }

    @Test func groupConsumer() throws {
        let variables = required.merging([
            "KAFKA_START": "latest", "KAFKA_SESSION_TIMEOUT": "10s", "KAFKA_HEARTBEAT_INTERVAL": "500ms",
            "KAFKA_MAX_POLL_INTERVAL": "1m30s", "KAFKA_ASSIGNMENT_STRATEGY": "cooperative-sticky",
            "KAFKA_GROUP_INSTANCE_ID": "member-1", "KAFKA_ISOLATION_LEVEL": "read_uncommitted",
            "KAFKA_UNKNOWN_TOPICS": "fail", "KAFKA_OFFSET_METADATA_LIMIT": "0", "KAFKA_CLIENT_ID": "me",
            "KAFKA_LIBRDKAFKA_PROPERTIES": "fetch.wait.max.ms=50, client.rack = a=b ",
            "KAFKA_PROCESSING_SHARD_COUNT": "1", "KAFKA_PROCESSING_SHARD_QUEUE_SIZE": "2",
            "KAFKA_PROCESSING_MAX_CONCURRENT_HANDLERS": "3", "KAFKA_PROCESSING_BYTE_BUDGET": "4",
            "KAFKA_PROCESSING_MAX_TRACKED_OFFSETS": "5", "KAFKA_PROCESSING_DRAIN_DEADLINE": "6s",
            "KAFKA_PROCESSING_COMMIT_INTERVAL": "7ms", "KAFKA_PROCESSING_COMMIT_COUNT": "8",
            "KAFKA_PROCESSING_KEYLESS_ORDER": "unordered", "KAFKA_PROCESSING_ATTEMPT_TIMEOUT": "1.5s",
            "KAFKA_PROCESSING_RETRY_MAX_RETRIES": "5", "KAFKA_PROCESSING_RETRY_INITIAL_BACKOFF": "1ms",
            "KAFKA_PROCESSING_RETRY_MAX_BACKOFF": "2m", "KAFKA_PROCESSING_RETRY_MULTIPLIER": "1.5",
            "KAFKA_PROCESSING_RETRY_JITTER": "no", "KAFKA_PROCESSING_EXHAUSTED_POLICY": "dlq_commit",
            "KAFKA_PROCESSING_DEAD_LETTERS_TOPIC": "dlq", "KAFKA_PROCESSING_DEAD_LETTERS_DELIVERY_TIMEOUT": "9s",
            "KAFKA_PROCESSING_LOGS_MESSAGES": "false", "KAFKA_PROCESSING_SUCCESS_LOG_LEVEL": "info",
            "KAFKA_PROCESSING_HEALTH_DEGRADED_AFTER": "3s", "KAFKA_PROCESSING_HEALTH_STALLED_AFTER": "4s",
            "KAFKA_METRICS_PREFIX": "kafka", "KAFKA_METRICS_INTERVAL": "5s", "KAFKA_METRICS_PARTITION_LIMIT": "7",
            "KAFKA_METRICS_STATISTICS_INTERVAL": "never",
        ]) { $1 }
        let config = try GroupConsumerConfig(from: reader(variables))
        #expect(config.start == .latest)
        #expect(config.sessionTimeout == .seconds(10))
        #expect(config.heartbeatInterval == .milliseconds(500))
        #expect(config.maxPollInterval == .seconds(90))
        #expect(config.assignmentStrategy == .cooperativeSticky)
        #expect(config.groupInstanceID == "member-1")
        #expect(config.isolationLevel == .readUncommitted)
        #expect(config.unknownTopics == .fail)
        #expect(config.offsetMetadataLimit == 0)
        #expect(config.clientID == "me")
        #expect(config.librdkafkaProperties == ["fetch.wait.max.ms": "50", "client.rack": "a=b"])
        let processing = config.processing
        #expect(processing.shardCount == 1)
        #expect(processing.shardQueueSize == 2)
        #expect(processing.maxConcurrentHandlers == 3)
        #expect(processing.byteBudget == 4)
        #expect(processing.maxTrackedOffsets == 5)
        #expect(processing.drainDeadline == .seconds(6))
        #expect(processing.commitInterval == .milliseconds(7))
        #expect(processing.commitCount == 8)
        #expect(processing.keylessOrder == .unordered)
        #expect(processing.attemptTimeout == .milliseconds(1_500))
        #expect(
            processing.retry
                == RetryConfig(
                    maxRetries: 5,
                    initialBackoff: .milliseconds(1),
                    maxBackoff: .seconds(120),
                    multiplier: 1.5,
                    jitter: false
                )
        )
        #expect(processing.exhaustedPolicy == .dlqCommit)
        #expect(processing.deadLetters?.topic == "dlq")
        #expect(processing.deadLetters?.deliveryTimeout == .seconds(9))
        #expect(!processing.logsMessages)
        #expect(processing.successLogLevel == .info)
        #expect(processing.health == HealthConfig(degradedAfter: .seconds(3), stalledAfter: .seconds(4)))
        let metrics = try #require(config.metrics)
        #expect(metrics.prefix == "kafka" && metrics.interval == .seconds(5) && metrics.partitionLimit == 7)
        #expect(metrics.statisticsInterval == nil)
        try config.validate()
    }

    @Test func metricsAndHealthOfProducers() throws {
        let brokers = ["KAFKA_BROKERS": "a:1"]
        #expect(try ProducerConfig(from: reader(brokers)).metrics == nil)
        let variables = brokers.merging([
            "KAFKA_METRICS_ENABLED": "true", "KAFKA_METRICS_STATISTICS_INTERVAL": "2s",
            "KAFKA_HEALTH_DEGRADED_AFTER": "1s", "KAFKA_HEALTH_STALLED_AFTER": "1m",
        ]) { $1 }
        let config = try ProducerConfig(from: reader(variables))
        #expect(config.metrics?.statisticsInterval == .seconds(2))
        #expect(config.metrics?.prefix == MetricsConfig.defaultPrefix)
        #expect(config.health == HealthConfig(degradedAfter: .seconds(1), stalledAfter: .seconds(60)))
        try config.validate()
        let off = variables.merging(["KAFKA_METRICS_ENABLED": "false"]) { $1 }
        #expect(try ProducerConfig(from: reader(off)).metrics == nil)
    }

    @Test func healthAndMetricsThatMakeNoSenseAreRefused() throws {
        let variables = required.merging([
            "KAFKA_PROCESSING_HEALTH_DEGRADED_AFTER": "1m", "KAFKA_PROCESSING_HEALTH_STALLED_AFTER": "1s",
            "KAFKA_METRICS_INTERVAL": "1ms", "KAFKA_METRICS_PREFIX": " ", "KAFKA_METRICS_PARTITION_LIMIT": "-1",
            "KAFKA_METRICS_STATISTICS_INTERVAL": "0",
            "KAFKA_LIBRDKAFKA_PROPERTIES": "statistics.interval.ms=5",
        ]) { $1 }
        let config = try GroupConsumerConfig(from: reader(variables))
        let error = #expect(throws: ConfigurationError.self) { try config.validate() }
        let fields = Set(error?.problems.map(\.field) ?? [])
        #expect(
            fields == [
                "processing.health.stalledAfter", "metrics.interval", "metrics.prefix", "metrics.partitionLimit",
                "metrics.statisticsInterval", "librdkafkaProperties.statistics.interval.ms",
            ]
        )
    }

    @Test func partitionConsumer() throws {
        let config = try PartitionConsumerConfig(
            from: reader([
                "KAFKA_BROKERS": "a:1", "KAFKA_TOPIC": "orders", "KAFKA_PARTITIONS": "0,3", "KAFKA_START": "offset:7",
                "KAFKA_END": "untilEnd", "KAFKA_OUT_OF_RANGE": "fail", "KAFKA_STORE_FAILURE_LIMIT": "5s",
                "KAFKA_RECONNECT_INITIAL_BACKOFF": "10ms", "KAFKA_RECONNECT_MAX_BACKOFF": "1s",
                "KAFKA_ISOLATION_LEVEL": "read_uncommitted", "KAFKA_CLIENT_ID": "me",
                "KAFKA_LIBRDKAFKA_PROPERTIES": "fetch.wait.max.ms=50", "KAFKA_PROCESSING_SHARD_COUNT": "1",
            ])
        )
        #expect(config.topic == "orders")
        #expect(config.partitions == [0, 3])
        #expect(config.start == .offset(7))
        #expect(config.end == .untilEnd)
        #expect(config.outOfRange == .fail)
        #expect(config.storeFailureLimit == .seconds(5))
        #expect(config.reconnectInitialBackoff == .milliseconds(10))
        #expect(config.reconnectMaxBackoff == .seconds(1))
        #expect(config.isolationLevel == .readUncommitted)
        #expect(config.clientID == "me")
        #expect(config.librdkafkaProperties == ["fetch.wait.max.ms": "50"])
        #expect(config.processing.shardCount == 1)
        try config.validate()

        let few = ["KAFKA_BROKERS": "a:1", "KAFKA_TOPIC": "orders"]
        #expect(try PartitionConsumerConfig(from: reader(few)).partitions == [0])
        for (text, start) in [
            ("timestamp:5", StartPosition.timestamp(5)), ("latest", .latest), ("earliest", .earliest),
        ] {
            let read = try PartitionConsumerConfig(from: reader(few.merging(["KAFKA_START": text]) { $1 }))
            #expect(read.start == start)
        }
        for (text, end) in [("never", EndPosition.never), ("offset:9", .offset(9))] {
            let read = try PartitionConsumerConfig(from: reader(few.merging(["KAFKA_END": text]) { $1 }))
            #expect(read.end == end)
        }
    }

    @Test func producer() throws {
        let config = try ProducerConfig(
            from: reader([
                "KAFKA_BROKERS": "a:1", "KAFKA_DEFAULT_TOPIC": "orders", "KAFKA_PARTITIONER": "murmur2_random",
                "KAFKA_DISPATCH_MODE": "serial", "KAFKA_DISPATCH_SHARD_COUNT": "2", "KAFKA_DISPATCH_WORKER_COUNT": "3",
                "KAFKA_DISPATCH_QUEUE_SIZE": "4", "KAFKA_DISPATCH_MAX_IN_FLIGHT": "5", "KAFKA_RETRY_MAX_RETRIES": "6",
                "KAFKA_RETRY_INITIAL_BACKOFF": "1ms", "KAFKA_RETRY_MAX_BACKOFF": "2ms", "KAFKA_RETRY_MULTIPLIER": "3",
                "KAFKA_RETRY_JITTER": "false", "KAFKA_EXHAUSTED_POLICY": "drop", "KAFKA_LOGS_MESSAGES": "0",
                "KAFKA_SUCCESS_LOG_LEVEL": "trace", "KAFKA_ACKS": "1", "KAFKA_IS_IDEMPOTENT": "false",
                "KAFKA_COMPRESSION": "zstd", "KAFKA_LINGER": "0", "KAFKA_DELIVERY_TIMEOUT": "1s",
                "KAFKA_CLOSE_DEADLINE": "2s", "KAFKA_BATCH_MESSAGES": "7", "KAFKA_BATCH_BYTES": "8",
                "KAFKA_MAX_MESSAGE_BYTES": "9000", "KAFKA_MAX_IN_FLIGHT_REQUESTS": "1",
                "KAFKA_MAX_IN_FLIGHT_MESSAGES": "11", "KAFKA_MAX_IN_FLIGHT_BYTES": "12", "KAFKA_CLIENT_ID": "me",
                "KAFKA_LIBRDKAFKA_PROPERTIES": "socket.keepalive.enable=true",
            ])
        )
        #expect(config.defaultTopic == "orders")
        #expect(config.partitioner == .murmur2Random)
        #expect(
            config.dispatch
                == ProducerDispatchConfig(mode: .serial, shardCount: 2, workerCount: 3, queueSize: 4, maxInFlight: 5)
        )
        #expect(
            config.retry
                == RetryConfig(
                    maxRetries: 6,
                    initialBackoff: .milliseconds(1),
                    maxBackoff: .milliseconds(2),
                    multiplier: 3,
                    jitter: false
                )
        )
        #expect(config.exhaustedPolicy == .drop)
        #expect(!config.logsMessages)
        #expect(config.successLogLevel == .trace)
        #expect(config.acks == .leader)
        #expect(!config.isIdempotent)
        #expect(config.compression == .zstd)
        #expect(config.linger == .zero)
        #expect(config.deliveryTimeout == .seconds(1))
        #expect(config.closeDeadline == .seconds(2))
        #expect(config.batchMessages == 7)
        #expect(config.batchBytes == 8)
        #expect(config.maxMessageBytes == 9_000)
        #expect(config.maxInFlightRequests == 1)
        #expect(config.maxInFlightMessages == 11)
        #expect(config.maxInFlightBytes == 12)
        #expect(config.clientID == "me")
        #expect(config.librdkafkaProperties == ["socket.keepalive.enable": "true"])
        try config.validate()
    }

    @Test func security() throws {
        let variables = required.merging([
            "KAFKA_SECURITY_TLS_CERTIFICATE_AUTHORITIES_FILE": "/ca.pem",
            "KAFKA_SECURITY_TLS_CLIENT_CERTIFICATE_CERTIFICATE_PEM": "CERT",
            "KAFKA_SECURITY_TLS_CLIENT_CERTIFICATE_KEY_PEM": "KEY",
            "KAFKA_SECURITY_TLS_CLIENT_CERTIFICATE_KEY_PASSWORD": "PASS",
            "KAFKA_SECURITY_SASL_MECHANISM": "SCRAM-SHA-512", "KAFKA_SECURITY_SASL_USERNAME": "ann",
            "KAFKA_SECURITY_SASL_PASSWORD": "hunter2",
        ]) { $1 }
        let security = try GroupConsumerConfig(from: reader(variables)).security
        #expect(
            security
                == SecurityConfig(
                    tls: TLSConfig(
                        certificateAuthorities: .file("/ca.pem"),
                        clientCertificate: .init(certificate: .pem("CERT"), key: .pem("KEY"), keyPassword: "PASS")
                    ),
                    sasl: SASLConfig(mechanism: .scramSHA512, username: "ann", password: "hunter2")
                )
        )
        #expect(security.tls?.verifiesHostname == true)
    }

    @Test func encryptionIsSwitchedOnByAnyOfItsKeys() throws {
        func tls(_ variables: [String: String]) throws -> TLSConfig? {
            let variables = Dictionary(uniqueKeysWithValues: variables.map { ("KAFKA_SECURITY_TLS_\($0)", $1) })
            return try GroupConsumerConfig(from: reader(required.merging(variables) { $1 })).security.tls
        }
        #expect(try tls(["ENABLED": "true"]) == TLSConfig())
        #expect(try tls(["ENABLED": "false"]) == nil)
        #expect(try tls(["VERIFIES_HOSTNAME": "true"]) == TLSConfig())
        #expect(try tls(["VERIFIES_HOSTNAME": "false"])?.verifiesHostname == false)
        #expect(throws: ConfigurationError.self) {
            try tls(["ENABLED": "false", "CERTIFICATE_AUTHORITIES_FILE": "/ca.pem"])
        }
    }

    @Test func tokensComeFromCode() throws {
        let tokens = OAuthBearerTokens { throw CancellationError() }
        #expect(try GroupConsumerConfig(from: reader(required), tokens: tokens).security.sasl == .oauthBearer(tokens))
        let named = required.merging(["KAFKA_SECURITY_SASL_MECHANISM": "OAUTHBEARER"]) { $1 }
        #expect(try GroupConsumerConfig(from: reader(named), tokens: tokens).security.sasl == .oauthBearer(tokens))
        // Configured otherwise after all: then the tokens are not used.
        let other = required.merging([
            "KAFKA_SECURITY_SASL_MECHANISM": "PLAIN", "KAFKA_SECURITY_SASL_USERNAME": "u",
            "KAFKA_SECURITY_SASL_PASSWORD": "p",
        ]) { $1 }
        let sasl = try GroupConsumerConfig(from: reader(other), tokens: tokens).security.sasl
        #expect(sasl == SASLConfig(mechanism: .plain, username: "u", password: "p"))
    }
}
