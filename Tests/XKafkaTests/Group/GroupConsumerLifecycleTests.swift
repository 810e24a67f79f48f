import Logging
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Assignments and their callbacks, subscriptions, pausing.
@Suite(.timeLimit(.minutes(3))) struct GroupConsumerLifecycleTests {
    /// What a member was told, in order.
    private enum Event: Sendable, Equatable {
        case assigned([Int32])
        case handled(Int64)
        case revoked([Int32], completed: Int)
    }

    @Test func callbacksComeBeforeTheFirstMessageAndAfterTheLast() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<20).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        let events = Collector<Event>()
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.onAssigned = { partitions in
            // Longer than fetching takes: no message is handled before it returned.
            try? await Task.sleep(for: .milliseconds(1_500))
            events.add(.assigned(partitions.map(\.partition)))
        }
        let inspector = ClusterInspector(brokers: broker.brokers)
        config.onRevoked = { [group = config.groupID] partitions, report in
            let committed = try? await inspector.committedOffsets(ofGroup: group, topic: "orders")
            #expect(committed == [0: 20], "what was in hand is committed by now")
            #expect(report.commitError == nil)
            events.add(.revoked(partitions.map(\.partition), completed: report.completed))
        }
        let report = try await running(try GroupConsumer(config), { events.add(.handled($0.offset)) }) {
            try await events.wait(forCount: 21)
        }
        #expect(report.completed == 20)
        #expect(events.values == [.assigned([0])] + (0..<20).map { .handled($0) } + [.revoked([0], completed: 20)])
    }

    /// R10: a callback that does not return, or that closes the consumer, keeps nobody from ending.
    @Test func callbacksCannotHoldUpTheEnd() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.drainDeadline = .milliseconds(50)
        let release = OneShot<Void>()
        config.onAssigned = { _ in await release.waitIgnoringCancellation() }
        config.onRevoked = { _, _ in await release.waitIgnoringCancellation() }
        let seen = Collector<Int64>()
        try await withDeadline(.seconds(30), "the end") { [config] in
            let consumer = try GroupConsumer(config)
            _ = try await running(consumer, { seen.add($0.offset) }) { try await seen.wait(forCount: 1) }
        }
        release.resolve(())

        config = .testing(broker, topics: ["orders"])
        let consumer = OneShot<GroupConsumer>()
        config.onAssigned = { _ in
            if let consumer = try? await consumer.wait() { await consumer.close() }
        }
        let closing = try GroupConsumer(config)
        consumer.resolve(closing)
        try await withDeadline(.seconds(30), "closing from a callback") { _ = try await closing.consume { _ in } }
    }

    @Test func pausedConsumerTakesNothingAndStaysInItsGroup() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<5).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        let seen = Collector<Int64>()
        let assigned = Collector<Bool>()
        let producer = try Producer(.testing(broker, topic: "orders"))
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.onAssigned = { _ in assigned.add(true) }
        let consumer = try GroupConsumer(config)
        consumer.pause()
        #expect(consumer.isPaused)
        try await running(consumer, { seen.add($0.offset) }) {
            try await assigned.wait(forCount: 1)
            // Longer than everything that could bring a message, the sweep included.
            try await Task.sleep(for: .milliseconds(400))
            #expect(seen.values == [], "paused before it began")
            consumer.resume()
            try await seen.wait(forCount: 5)
            consumer.pause()
            try await producer.produce(ProduceMessage(key: "k", value: "later"))
            try await Task.sleep(for: .milliseconds(400))
            #expect(seen.values.count == 5)
            consumer.resume()
            try await seen.wait(forCount: 6)
        }
        await producer.close()
        #expect(assigned.values.count == 1, "the assignment is the same throughout")
    }

    @Test func subscriptionsMayBeRegularExpressions() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders-eu": 1, "orders-us": 1, "bills": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker))
        for topic in ["orders-eu", "orders-us", "bills"] {
            try await producer.produce(ProduceMessage(topic: topic, key: "k", value: "v"))
        }
        await producer.close()
        let seen = Collector<String>()
        let assigned = Collector<[TopicPartition]>()
        var config = GroupConsumerConfig.testing(broker, topics: ["^orders-.*"])
        config.onAssigned = { assigned.add($0) }
        try await running(try GroupConsumer(config), { seen.add($0.topic) }) { try await seen.wait(forCount: 2) }
        #expect(Set(seen.values) == ["orders-eu", "orders-us"])
        #expect(Set(assigned.values.joined().map(\.topic)) == ["orders-eu", "orders-us"])

        config.topics = ["^orders-(.*"]
        let error = #expect(throws: ConfigurationError.self) { try config.validate() }
        #expect(error?.problems.map(\.field) == ["topics"])
    }

    @Test func unknownTopicsAreWaitedForOrFailed() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        try broker.inject(.topicError("missing", .unknownTopicOrPartition))
        let log = RecordedLog(level: .warning)
        let seen = Collector<String>()
        var config = GroupConsumerConfig.testing(broker, topics: ["orders", "missing"])
        config.logger = log.logger
        config.librdkafkaProperties["topic.metadata.refresh.interval.ms"] = "100"
        let producer = try Producer(.testing(broker))
        try await running(try GroupConsumer(config), { seen.add($0.topic) }) {
            try await seen.wait(forCount: 1)
            try await eventually("the line") { log.lines.contains { $0.contains("xkafka consumer error") } }
            try await Task.sleep(for: .milliseconds(500))
            #expect(log.lines.count { $0.contains("xkafka consumer error") } == 1, "once, not at each refresh")
            // Once it exists, it is read.
            try broker.inject(.topicError("missing", nil))
            try await producer.produce(ProduceMessage(topic: "missing", key: "k", value: "v"))
            try await seen.wait(forCount: 2)
        }
        await producer.close()
        #expect(seen.values == ["orders", "missing"])

        try broker.inject(.topicError("missing", .unknownTopicOrPartition))
        config.unknownTopics = .fail
        let consumer = try GroupConsumer(config)
        let error = await #expect(throws: ConsumerError.self) {
            try await withDeadline(.seconds(30), "the error") { _ = try await consumer.consume { _ in } }
        }
        #expect(error?.code == .unknownTopic)
        #expect((error?.cause as? KafkaError)?.code == .unknownTopicOrPartition)
    }

    /// What librdkafka does not get over by itself ends `consume` with its error; what it does is logged once.
    @Test(arguments: [
        (RequestKind.heartbeat, KafkaError.Code.fencedInstance), (.joinGroup, .groupAuthorizationFailed),
        (.fetch, .topicAuthorizationFailed),
    ])
    func errorsThatDoNotPassReachTheCaller(request: RequestKind, code: KafkaError.Code) async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        try broker.inject(.fail(request, with: code, times: 20))
        let consumer = try GroupConsumer(.testing(broker, topics: ["orders"]))
        let error = await #expect(throws: KafkaError.self) {
            try await withDeadline(.seconds(30), "the error") { _ = try await consumer.consume { _ in } }
        }
        #expect(error?.code == code)
    }

    @Test func errorsThatPassAreLoggedOncePerChange() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        let log = RecordedLog(level: .warning)
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.logger = log.logger
        let seen = Collector<Int64>()
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await running(try PartitionConsumer(config), { seen.add($0.offset) }) {
            try await seen.wait(forCount: 1)
            try broker.inject(.brokerDown())
            try await Task.sleep(for: .seconds(2))
            try broker.inject(.brokerUp())
            try await producer.produce(ProduceMessage(key: "k", value: "later"))
            try await seen.wait(forCount: 2)
        }
        await producer.close()
        let errors = log.entries.filter { $0.message == "xkafka consumer error" }.map { $0.fields["error"] ?? "" }
        #expect(!errors.isEmpty)
        #expect(zip(errors, errors.dropFirst()).allSatisfy { $0.0 != $0.1 }, "\(errors)")
        #expect(errors.count <= 4, "\(errors)")
    }

    @Test func optionsBecomeLibrdkafkasProperties() throws {
        var config = GroupConsumerConfig(brokers: ["127.0.0.1:1"], groupID: "g", topics: ["t"])
        func property(_ name: String) -> String? { config.properties().properties.last { $0.name == name }?.value }
        #expect(property("partition.assignment.strategy") == "range")
        #expect(property("group.instance.id") == nil)
        #expect(property("isolation.level") == "read_committed")
        #expect(property("auto.offset.reset") == "earliest")
        config.assignmentStrategy = .cooperativeSticky
        config.groupInstanceID = "member-1"
        config.isolationLevel = .readUncommitted
        try config.validate()
        #expect(property("partition.assignment.strategy") == "cooperative-sticky")
        #expect(property("group.instance.id") == "member-1")
        #expect(property("isolation.level") == "read_uncommitted")

        config.groupInstanceID = " "
        config.librdkafkaProperties = [
            "group.instance.id": "x", "partition.assignment.strategy": "range", "isolation.level": "read_committed",
            "enable.partition.eof": "false",
        ]
        let error = #expect(throws: ConfigurationError.self) { try config.validate() }
        #expect(
            error?.problems.map(\.field) == [
                "groupInstanceID", "librdkafkaProperties.enable.partition.eof",
                "librdkafkaProperties.group.instance.id",
                "librdkafkaProperties.isolation.level", "librdkafkaProperties.partition.assignment.strategy",
            ]
        )
    }
}
