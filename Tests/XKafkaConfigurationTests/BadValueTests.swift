import Configuration
import Logging
import Testing
import XKafka
import XKafkaConfiguration
import XKafkaTestingInternal

/// Each value that cannot be read is an error which names its key and says what is allowed.
@Suite struct BadValueTests {
    private static func problems(_ values: [AbsoluteConfigKey: ConfigValue]) -> [String: [String]] {
        let reader = ConfigReader(provider: InMemoryProvider(values: values))
        var problems: [String: [String]] = [:]
        func note(_ body: () throws -> Void) {
            do {
                try body()
            } catch let error as ConfigurationError {
                problems[error.configuration] = error.problems.map(\.description)
            } catch {
                Issue.record(error)
            }
        }
        note { _ = try GroupConsumerConfig(from: reader) }
        note { _ = try PartitionConsumerConfig(from: reader) }
        note { _ = try ProducerConfig(from: reader) }
        return problems
    }

    private static let good: [AbsoluteConfigKey: ConfigValue] = [
        "brokers": "a:1", "groupID": "g", "topics": "t", "topic": "t",
    ]

    private static let (group, partition, producer) = (
        "GroupConsumerConfig", "PartitionConsumerConfig", "ProducerConfig"
    )
    private static let consumers = [group, partition]
    private static let all = [group, partition, producer]

    /// Keys, the configurations that have them, and the rule.
    private static let table: [(keys: [String], configurations: [String], bad: [String], rule: String)] = [
        (
            [
                "processing.shardCount", "processing.shardQueueSize", "processing.maxConcurrentHandlers",
                "processing.byteBudget", "processing.maxTrackedOffsets", "processing.commitCount",
                "processing.retry.maxRetries", "metrics.partitionLimit",
            ], consumers, ["", "x", "1.5", "99999999999999999999", "0x10"], "must be a whole number"
        ),
        (["offsetMetadataLimit"], [group], ["many"], "must be a whole number"),
        (
            [
                "retry.maxRetries", "dispatch.shardCount", "dispatch.workerCount", "dispatch.queueSize",
                "dispatch.maxInFlight", "batchMessages", "batchBytes", "maxMessageBytes", "maxInFlightRequests",
                "maxInFlightMessages", "maxInFlightBytes",
            ], [producer], ["", "x"], "must be a whole number"
        ),
        (
            [
                "processing.drainDeadline", "processing.commitInterval", "processing.attemptTimeout",
                "processing.retry.initialBackoff", "processing.retry.maxBackoff", "processing.health.degradedAfter",
                "processing.health.stalledAfter", "metrics.interval", "metrics.statisticsInterval",
            ], consumers, ["", "5", "-5s", "5 s", "s", "1..5s", "5x", "1s2", "9999999999d", "1e400s", "\u{663}s"],
            "must be a time with units, such as 500ms, 30s or 1m30s"
        ),
        (
            ["sessionTimeout", "heartbeatInterval", "maxPollInterval"], [group], ["soon"],
            "must be a time with units, such as 500ms, 30s or 1m30s"
        ),
        (
            ["storeFailureLimit", "reconnectInitialBackoff", "reconnectMaxBackoff"], [partition], ["soon"],
            "must be a time with units, such as 500ms, 30s or 1m30s"
        ),
        (
            [
                "retry.initialBackoff", "retry.maxBackoff", "linger", "deliveryTimeout", "closeDeadline",
                "health.degradedAfter", "health.stalledAfter", "metrics.interval", "metrics.statisticsInterval",
            ], [producer], ["soon"], "must be a time with units, such as 500ms, 30s or 1m30s"
        ),
        (["processing.retry.multiplier"], consumers, ["two"], "must be a number"),
        (["retry.multiplier"], [producer], ["two"], "must be a number"),
        (["processing.retry.jitter", "processing.logsMessages"], consumers, ["", "2", "ja"], "must be true or false"),
        (["retry.jitter", "logsMessages", "isIdempotent"], [producer], ["2"], "must be true or false"),
        (["security.tls.enabled", "security.tls.verifiesHostname"], all, ["", "2"], "must be true or false"),
        (["start"], [group], ["", "Latest", "offset"], "must be earliest or latest"),
        (
            ["start"], [partition], ["", "offset:", "offset:x", "timestamp:1.5", "offset"],
            "must be earliest, latest, offset:NUMBER or timestamp:MILLISECONDS"
        ),
        (["end"], [partition], ["", "latest"], "must be never, untilEnd or offset:NUMBER"),
        (["outOfRange"], [partition], ["error"], "must be earliest, latest or fail"),
        (
            ["partitions"], [partition], ["", "a", "1,,2", "99999999999"],
            "must be numbers of partitions, such as 0,1,2"
        ),
        (["assignmentStrategy"], [group], ["sticky"], "must be range, roundrobin or cooperative-sticky"),
        (["isolationLevel"], consumers, ["serializable"], "must be read_committed or read_uncommitted"),
        (["unknownTopics"], [group], ["ignore"], "must be wait or fail"),
        (["processing.keylessOrder"], consumers, ["none"], "must be partition or unordered"),
        (["processing.exhaustedPolicy"], consumers, ["drop"], "must be block, dlq_commit or stop"),
        (
            ["processing.successLogLevel"], consumers, ["loud"],
            "must be trace, debug, info, notice, warning, error or critical"
        ),
        (
            ["successLogLevel"], [producer], ["loud"], "must be trace, debug, info, notice, warning, error or critical"
        ),
        (
            ["partitioner"], [producer], ["random"],
            "must be fnv1a_random, fnv1a, murmur2_random or consistent_random"
        ),
        (["dispatch.mode"], [producer], ["fast"], "must be serial, key_sharded or parallel"),
        (["exhaustedPolicy"], [producer], ["dlq_commit"], "must be block, stop or drop"),
        (["acks"], [producer], ["2", "-1"], "must be all, 1 or 0"),
        (["compression"], [producer], ["brotli"], "must be none, gzip, snappy, lz4 or zstd"),
        (
            ["security.sasl.mechanism"], all, ["GSSAPI", "plain"],
            "must be PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
        ),
    ]

    @Test(arguments: table.indices) func areNamed(row: Int) {
        let (keys, configurations, bad, rule) = Self.table[row]
        for key in keys {
            for value in bad {
                var values = Self.good
                values[AbsoluteConfigKey(ConfigKey(key))] = ConfigValue(.string(value), isSecret: false)
                let problems = Self.problems(values)
                for configuration in configurations {
                    let expected = value.isEmpty && key == "partitions" || value.contains(",,") ? "" : value
                    #expect(problems[configuration] == ["\(key): \(rule), got \"\(expected)\""])
                }
            }
        }
    }

    @Test func requiredKeys() {
        let problems = Self.problems([:])
        #expect(
            problems[Self.group] == [
                "brokers: is required, got nothing", "groupID: is required, got nothing",
                "topics: is required, got nothing",
            ]
        )
        #expect(
            problems[Self.partition] == ["brokers: is required, got nothing", "topic: is required, got nothing"]
        )
        #expect(problems[Self.producer] == ["brokers: is required, got nothing"])
    }

    /// A file may hold a number where a text is expected, but no list where a number is.
    @Test func valuesOfOtherTypes() throws {
        var values = Self.good
        values["groupID"] = 42
        values["processing.shardCount"] = 7
        values["processing.retry.multiplier"] = 2.5
        values["processing.retry.jitter"] = false
        values["topics"] = ConfigValue(.stringArray(["a,b", "c"]), isSecret: false)
        let config = try GroupConsumerConfig(from: ConfigReader(provider: InMemoryProvider(values: values)))
        #expect(config.groupID == "42")
        #expect(config.processing.shardCount == 7)
        #expect(config.processing.retry.multiplier == 2.5)
        #expect(!config.processing.retry.jitter)
        #expect(config.topics == ["a,b", "c"])

        values["processing.shardCount"] = true
        values["processing.drainDeadline"] = 30
        #expect(
            Self.problems(values)[Self.group] == [
                "processing.shardCount: must be a whole number, got \"true\"",
                "processing.drainDeadline: must be a time with units, such as 500ms, 30s or 1m30s, got \"30\"",
            ]
        )
        values["partitions"] = ConfigValue(.intArray([1, 2]), isSecret: false)
        values["processing.shardCount"] = nil
        values["processing.drainDeadline"] = nil
        let reader = ConfigReader(provider: InMemoryProvider(values: values))
        #expect(try PartitionConsumerConfig(from: reader).partitions == [1, 2])
    }

    @Test(arguments: [
        (
            ["security.tls.certificateAuthorities.file", "security.tls.certificateAuthorities.pem"],
            "security.tls.certificateAuthorities: must have .file or .pem, not both, got both"
        ),
        (
            ["security.tls.clientCertificate.key.file"],
            "security.tls.clientCertificate.certificate: is required beside the key: set .file or .pem, got nothing"
        ),
        (
            ["security.tls.clientCertificate.certificate.pem"],
            "security.tls.clientCertificate.key: is required beside the certificate: set .file or .pem, got nothing"
        ),
        (
            ["security.tls.clientCertificate.keyPassword"],
            "security.tls.clientCertificate.key: is required beside keyPassword: set .file or .pem, got nothing"
        ),
        (
            ["security.sasl.password"],
            "security.sasl.mechanism: is required beside username and password, got nothing"
        ),
        (["librdkafkaProperties"], "librdkafkaProperties: each entry must be name=value, got <redacted>"),
    ])
    func whatDoesNotGoTogether(keys: [String], problem: String) {
        var values = Self.good
        for key in keys { values[AbsoluteConfigKey(ConfigKey(key))] = "SECRET" }
        let problems = Self.problems(values)
        for configuration in Self.all { #expect(problems[configuration] == [problem]) }
    }

    @Test func tokensAreMissing() {
        var values = Self.good
        values["security.sasl.mechanism"] = "OAUTHBEARER"
        #expect(
            Self.problems(values)[Self.producer] == [
                "security.sasl.mechanism: needs tokens, which code gives: pass tokens, got \"OAUTHBEARER\""
            ]
        )
    }

    /// What can be read but breaks a rule is found by the consumer, under the same name.
    @Test func rulesNameTheSameKeys() throws {
        var values = Self.good
        values["processing.retry.maxRetries"] = -2
        values["security.sasl.mechanism"] = "PLAIN"
        let config = try GroupConsumerConfig(from: ConfigReader(provider: InMemoryProvider(values: values)))
        let error = #expect(throws: ConfigurationError.self) { try GroupConsumer(config) }
        #expect(
            error?.problems.map(\.field) == [
                "processing.retry.maxRetries", "security.sasl.username", "security.sasl.password",
            ]
        )
    }
}
