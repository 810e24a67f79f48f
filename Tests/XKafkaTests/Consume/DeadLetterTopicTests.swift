import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Dead letters in a topic, written by the consumer's own producer and read by a client of other people's.
@Suite(.timeLimit(.minutes(2))) struct DeadLetterTopicTests {
    private struct Failure: Error, CustomStringConvertible {
        let description = "no such account"
    }

    private func config(_ broker: EmbeddedBroker, store: any OffsetStore = MemoryOffsetStore())
        -> PartitionConsumerConfig
    {
        var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: store)
        config.processing.retry = RetryConfig(maxRetries: 1, initialBackoff: .milliseconds(5))
        config.processing.exhaustedPolicy = .dlqCommit
        config.processing.deadLetters = DeadLetterConfig(topic: "orders-dlq", deliveryTimeout: .seconds(2))
        return config
    }

    /// What kcat reads from a topic: key, value, headers, and nulls as such.
    private func read(_ broker: EmbeddedBroker, _ topic: String, count: Int) async throws -> [[String: Any]] {
        let output = try await Kcat.run([
            "-C", "-b", broker.bootstrapServers, "-t", topic, "-o", "beginning", "-c", "\(count)", "-J", "-e", "-q",
            "-X", "topic.auto.offset.reset=earliest",
        ])
        try #require(output.status == 0, "\(output.standardError)")
        return try output.lines.map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test func lettersCarryTheMessageAndItsStory() async throws {
        let broker = try await EmbeddedBroker.withOrders([
            ProduceMessage(key: "k", value: "v", headers: ["a": "1", "a": "2", "none": nil, "x-error": "older"]),
            ProduceMessage(key: "k", value: nil),
            ProduceMessage(key: nil, value: "no key"),
        ])
        defer { broker.stop() }
        try broker.createTopic("orders-dlq", partitions: 1)
        let store = MemoryOffsetStore()
        let failures = Collector<ConsumeFailure>()
        var config = config(broker, store: store)
        config.processing.failureHook = { if $0.stage == .dlq { failures.add($0) } }
        let before = Date()
        let report = try await running(try PartitionConsumer(config), { _ in throw Failure() }) {
            try await failures.wait(forCount: 3)
        }
        #expect(report.deadLettered == 3)
        #expect(report.completed == 0)
        #expect(try await store.load(config.topicPartitions[0]) == 3, "dead-lettered messages are done")

        let letters = try await read(broker, "orders-dlq", count: 3)
        let byOffset = try Dictionary(
            uniqueKeysWithValues: letters.map { letter in
                let headers = try #require(letter["headers"] as? [Any])
                let index = try #require(headers.firstIndex { $0 as? String == "x-source-offset" })
                return (try #require(headers[index + 1] as? String), letter)
            }
        )
        let first = try #require(byOffset["0"])
        #expect(first["key"] as? String == "k")
        #expect(first["payload"] as? String == "v")
        let headers = try #require(first["headers"] as? [Any]).map { $0 as? String }
        // Order, repetitions and nulls of the message's own are kept; those of an earlier pass are replaced.
        #expect(Array(headers.prefix(6)) == ["a", "1", "a", "2", "none", nil])
        #expect(
            Array(headers[6..<18]) == [
                "x-source-topic", "orders", "x-source-partition", "0", "x-source-offset", "0", "x-logical-key", "k",
                "x-attempt", "2", "x-error", "no such account",
            ]
        )
        let names = stride(from: 6, to: headers.count, by: 2).map { headers[$0] }
        #expect(
            names == [
                "x-source-topic", "x-source-partition", "x-source-offset", "x-logical-key", "x-attempt", "x-error",
                "x-failed-at", "x-source-timestamp", "x-error-type", "x-first-failed-at",
            ]
        )
        let failedAt = try #require(headers[19])
        let time = try #require(
            try? Date(failedAt, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        )
        #expect(time >= before.addingTimeInterval(-1) && time <= Date())

        let tombstone = try #require(byOffset["1"])
        #expect(tombstone["payload"] is NSNull)
        let keyless = try #require(byOffset["2"])
        #expect(keyless["key"] is NSNull)
        let keylessHeaders = try #require(keyless["headers"] as? [Any])
        let index = try #require(keylessHeaders.firstIndex { $0 as? String == "x-logical-key" })
        #expect(keylessHeaders[index + 1] as? String == "orders:0")
    }

    /// One key's letters are in one partition, in the order of its messages.
    @Test func lettersOfOneKeyStayInOrder() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<60).map { ProduceMessage(key: "k\($0 % 6)", value: "\($0)") }
        )
        defer { broker.stop() }
        try broker.createTopic("orders-dlq", partitions: 3)
        let dead = Collector<Int64>()
        var config = config(broker)
        config.processing.retry.maxRetries = 0
        config.processing.failureHook = { if $0.stage == .dlq { dead.add($0.message.offset) } }
        try await running(try PartitionConsumer(config), { _ in throw Failure() }) { try await dead.wait(forCount: 60) }
        let letters = try await read(broker, "orders-dlq", count: 60)
        let places = letters.map { ($0["key"] as? String, $0["partition"] as? Int) }
        #expect(Dictionary(grouping: places) { $0.0 }.values.allSatisfy { Set($0.map(\.1)).count == 1 })
        for (key, letters) in Dictionary(grouping: letters, by: { $0["key"] as? String }) {
            let numbers = letters.compactMap { ($0["payload"] as? String).flatMap { Int($0) } }
            #expect(numbers == numbers.sorted() && numbers.count == 10, "\(key ?? "-")")
        }
    }

    /// R7: while the broker refuses the letter, its offset is not done and its handler is not called again.
    @Test func offsetsWaitForTheirLetters() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<2).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        try broker.createTopic("orders-dlq", partitions: 1)
        let store = MemoryOffsetStore()
        let told = Collector<ConsumeFailure>()
        let attempts = Collector<Int64>()
        var config = config(broker, store: store)
        config.processing.retry.maxRetries = 0
        config.processing.commitInterval = .milliseconds(10)
        config.processing.failureHook = { told.add($0) }
        try broker.inject(.topicError("orders-dlq", .topicAuthorizationFailed))
        let partition = config.topicPartitions[0]
        try await running(
            try PartitionConsumer(config),
            { message in
                attempts.add(message.offset)
                throw Failure()
            },
            while: {
                try await told.wait(for: "refused letters") { $0.count { $0.stage == .dlq } >= 3 }
                let published = told.values.contains { $0.stage == .dlq && !$0.willRetry }
                #expect(!published)
                #expect(attempts.values == [0])
                let checkpoint = try await store.load(partition)
                #expect(checkpoint == nil || checkpoint == 0)
                try broker.inject(.topicError("orders-dlq", nil))
                try await eventually("both letters") { try await store.load(partition) == 2 }
            }
        )
        #expect(attempts.values == [0, 1])
    }

    /// T29: a producer that met a fatal error is of no use any more.
    @Test func ownProducerIsReplacedAfterAFatalError() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        try broker.createTopic("orders-dlq", partitions: 1)
        // CLUSTER_AUTHORIZATION_FAILED: librdkafka takes it as fatal for an idempotent producer.
        try broker.inject(.fail(.initProducerID, with: KafkaError.Code(rawValue: 31)))
        let log = RecordedLog()
        let told = Collector<ConsumeFailure>()
        var config = config(broker)
        config.logger = log.logger
        config.processing.retry.maxRetries = 0
        config.processing.failureHook = { if $0.stage == .dlq { told.add($0) } }
        let report = try await running(try PartitionConsumer(config), { _ in throw Failure() }) {
            try await told.wait(for: "the letter") { $0.contains { !$0.willRetry } }
        }
        #expect(report.deadLettered == 1)
        #expect(log.lines.contains("warning xkafka dead letter producer is replaced after a fatal error"))
        #expect(try await ClusterInspector(brokers: broker.brokers).endOffsets(of: "orders-dlq") == [0: 1])
    }

    /// A producer that has other work as well is lent, not given away.
    @Test func aProducerOfTheUsersMayPublishThem() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<3).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        try broker.createTopic("orders-dlq", partitions: 1)
        let mark = ProduceMiddleware { message, next in
            var message = message
            message.message.headers.append("by", "my own")
            return try await next(message)
        }
        var producing = ProducerConfig.testing(broker)
        producing.handlers = [mark]
        let producer = try Producer(producing)
        let dead = Collector<Int64>()
        var config = config(broker)
        config.processing.retry.maxRetries = 0
        config.processing.deadLetters = DeadLetterConfig(topic: "orders-dlq", producer: producer)
        config.processing.failureHook = { if $0.stage == .dlq { dead.add($0.message.offset) } }
        let report = try await running(try PartitionConsumer(config), { _ in throw Failure() }) {
            try await dead.wait(forCount: 3)
        }
        #expect(report.deadLettered == 3)
        try await producer.produce(ProduceMessage(topic: "orders-dlq", key: "k", value: "still open"))
        await producer.close()
        let letters = try await read(broker, "orders-dlq", count: 4)
        #expect(letters.map { $0["payload"] as? String } == ["0", "1", "2", "still open"])
        let headers = letters.map { $0["headers"] as? [String] ?? [] }
        #expect(headers.allSatisfy { Array($0.suffix(2)) == ["by", "my own"] })

        config.processing.deadLetters = DeadLetterConfig(topic: "", producer: producer)
        #expect(throws: ConfigurationError.self) { try config.validate() }
    }

    /// A secured cluster is as much out of reach for a dead letter without these as for the consumer.
    @Test func ownProducerHasTheConsumersSecurityAndNetworkSettings() throws {
        let security = SecurityConfig(
            tls: TLSConfig(certificateAuthorities: .file("/ca.pem")),
            sasl: SASLConfig(mechanism: .plain, username: "me", password: "s3cret")
        )
        let properties = ClientProperties.deadLetterProducer(
            brokers: ["a:1", "b:2"],
            clientID: "billing",
            security: security,
            librdkafkaProperties: [
                "socket.keepalive.enable": "true", "reconnect.backoff.max.ms": "300", "fetch.wait.max.ms": "10",
                "ssl.cipher.suites": "x",
            ],
            deliveryTimeout: .seconds(7),
            logger: testLogger
        )
        func value(_ name: String) -> String? { properties.properties.last { $0.name == name }?.value }
        #expect(value("bootstrap.servers") == "a:1,b:2")
        #expect(value("security.protocol") == "sasl_ssl")
        #expect(value("ssl.ca.location") == "/ca.pem")
        #expect(value("sasl.username") == "me")
        #expect(value("sasl.password") == "s3cret")
        #expect(value("socket.keepalive.enable") == "true")
        #expect(value("reconnect.backoff.max.ms") == "300")
        #expect(value("ssl.cipher.suites") == "x")
        #expect(value("fetch.wait.max.ms") == nil, "of no use to a producer")
        #expect(value("acks") == "all")
        #expect(value("enable.idempotence") == "true")
        #expect(value("delivery.timeout.ms") == "7000")
        #expect(!"\(properties)".contains("s3cret"))
    }

    @Test func aPolicyThatCannotWorkIsRefused() throws {
        let broker = ["127.0.0.1:1"]
        func problems(_ change: (inout ProcessingConfig) -> Void) -> [String] {
            var config = GroupConsumerConfig(brokers: broker, groupID: "g", topics: ["t"])
            change(&config.processing)
            do {
                try config.validate()
                return []
            } catch {
                return error.problems.map(\.field)
            }
        }
        #expect(
            problems { $0.exhaustedPolicy = .dlqCommit } == ["processing.exhaustedPolicy", "processing.deadLetters"]
        )
        #expect(
            problems {
                $0.exhaustedPolicy = .dlqCommit
                $0.retry.maxRetries = 0
                $0.deadLetters = DeadLetterConfig(topic: " ", deliveryTimeout: .zero)
            } == ["processing.deadLetters.topic", "processing.deadLetters.deliveryTimeout"]
        )
        #expect(problems { $0.deadLetters = DeadLetterConfig(topic: "t-dlq") } == ["processing.deadLetters"])
        #expect(problems { $0.attemptTimeout = .zero } == ["processing.attemptTimeout"])
        #expect(problems { $0.commitCount = 0 } == ["processing.commitCount"])
    }
}
