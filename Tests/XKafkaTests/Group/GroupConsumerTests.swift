import Foundation
import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.timeLimit(.minutes(3))) struct GroupConsumerTests {
    private struct Failure: Error {}

    /// Written by a client nobody here wrote.
    @Test func messagesOfKcatArriveWhole() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let address = broker.bootstrapServers
        for (arguments, input) in [
            (["-K", ":", "-H", "a=1", "-H", "a=2", "-H", "none"], Data("key:value\n".utf8)),
            (["-K", ":", "-Z"], Data("tombstone:\n".utf8)),
            ([], Data([0xff, 0xfe, 0x00, 0x80, 0x0a])),
        ] {
            let sent = try await Kcat.run(["-P", "-b", address, "-t", "orders"] + arguments, input: input)
            try #require(sent.status == 0, "\(sent.standardError)")
        }
        let messages = Collector<ConsumeContext>()
        let consumer = try GroupConsumer(.testing(broker, topics: ["orders"]))
        try await running(consumer, { messages.add($0) }) { try await messages.wait(forCount: 3) }

        // Kept after their handlers returned, the consumer has ended, and they can still be read.
        let seen = messages.values.sorted { $0.offset < $1.offset }
        #expect(seen.map(\.topicPartition) == Array(repeating: TopicPartition(topic: "orders", partition: 0), count: 3))
        #expect(seen[0].key == "key")
        #expect(seen[0].value == "value")
        #expect(seen[0].headers == ["a": "1", "a": "2", "none": nil])
        #expect(seen[0].logicalKey == "key")
        #expect(seen[0].timestamp?.source == .createTime)
        #expect(seen[1].key == "tombstone")
        #expect(seen[1].value == nil, "a tombstone is not an empty value")
        #expect(seen[2].key == nil)
        #expect(seen[2].value == [0xff, 0xfe, 0x00, 0x80])
        #expect(seen[2].logicalKey == "orders:0")
        #expect(seen.allSatisfy { $0.attempt == 1 && $0.assignmentEpoch == 1 })
    }

    /// R1 and R2 with handlers that take random times, and resumption where the group left off.
    @Test func keepsOrderPerKeyCommitsAndResumes() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 3])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produceBatch((0..<3_000).map { ProduceMessage(key: "k\($0 % 50)", value: "\($0)") })

        let seen = Collector<Seen>()
        let inFlight = Atomic<Int>(0)
        let peak = Atomic<Int>(0)
        let busyKeys = Mutex<Set<MessageBytes>>([])
        let handler: @Sendable (ConsumeContext) async throws -> Void = { message in
            let key = try #require(message.key)
            #expect(busyKeys.withLock { $0.insert(key).inserted }, "handlers of one key overlap")
            peak.max(inFlight.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
            try await Task.sleep(for: .microseconds(Int.random(in: 0...2_000)))
            inFlight.subtract(1, ordering: .relaxed)
            _ = busyKeys.withLock { $0.remove(key) }
            seen.add(Seen(message))
        }
        let config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        let consumer = try GroupConsumer(config)
        let report = try await running(consumer, handler) { try await seen.wait(forCount: 3_000) }
        #expect(report.completed == 3_000)
        #expect(report.commitError == nil)
        #expect(report.abandoned.isEmpty && report.cancelled.isEmpty && report.returned == 0)
        for (key, messages) in Dictionary(grouping: seen.values, by: \.key) {
            let numbers = messages.compactMap { Int($0.text) }
            #expect(numbers == numbers.sorted() && numbers.count == 60, "key \(String(describing: key))")
        }
        #expect(peak.load(ordering: .relaxed) > 1)
        #expect(peak.load(ordering: .relaxed) <= 32)

        let inspector = ClusterInspector(brokers: broker.brokers)
        let ends = try await inspector.endOffsets(of: "orders")
        #expect(try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders") == ends)

        // The same consumer object goes on, and sees only what is new.
        try await producer.produceBatch((0..<10).map { ProduceMessage(key: "k\($0)", value: "new \($0)") })
        try await running(consumer, handler) { try await seen.wait(forCount: 3_010) }
        #expect(seen.values.suffix(10).allSatisfy { $0.text.hasPrefix("new") })
        await producer.close()
    }

    @Test func failedMessageIsRetriedInItsPlaceAndHoldsNoWorker() async throws {
        let broker = try await EmbeddedBroker.withOrders(
            (0..<20).map { ProduceMessage(key: "k\($0 % 2)", value: "\($0)") }
        )
        defer { broker.stop() }

        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.maxConcurrentHandlers = 1
        config.processing.retry = RetryConfig(initialBackoff: .milliseconds(300), jitter: false)
        let seen = Collector<Seen>()
        try await running(
            try GroupConsumer(config),
            { message in
                if message.offset == 0, message.attempt < 3 { throw Failure() }
                seen.add(Seen(message))
            },
            while: { try await seen.wait(forCount: 20) }
        )
        let values = seen.values.map(\.offset)
        #expect(values.prefix(10).allSatisfy { $0 % 2 == 1 }, "the only worker served the other key meanwhile")
        #expect(values.suffix(10) == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
        #expect(seen.values.first { $0.offset == 0 }?.attempt == 3)
    }

    /// Handlers run once per attempt, outermost first, and a topic may have its own.
    @Test func messagesPassThroughTheHandlersOfTheirTopic() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1, "bills": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker))
        for topic in ["orders", "bills"] {
            try await producer.produce(ProduceMessage(topic: topic, key: "k", value: "v"))
        }
        await producer.close()
        let steps = Collector<String>()
        func handler(_ name: String) -> ConsumeMiddleware {
            ConsumeMiddleware { message, next in
                steps.add("\(message.topic) \(name) \(message.attempt)")
                try await next(message)
            }
        }
        var config = GroupConsumerConfig.testing(broker, topics: ["orders", "bills"])
        config.processing.retry = RetryConfig(initialBackoff: .milliseconds(1))
        config.handlers = [handler("first"), handler("second")]
        config.topicHandlers = ["bills": ConsumeTopicHandlers([handler("own")], mode: .replace)]
        let done = Collector<String>()
        try await running(
            try GroupConsumer(config),
            { message in
                if message.topic == "orders", message.attempt == 1 { throw Failure() }
                done.add(message.topic)
            },
            while: { try await done.wait(forCount: 2) }
        )
        let orders = steps.values.filter { $0.hasPrefix("orders") }
        #expect(orders == ["orders first 1", "orders second 1", "orders first 2", "orders second 2"])
        #expect(steps.values.filter { $0.hasPrefix("bills") } == ["bills own 1"])

        config.topicHandlers = [" bills": ConsumeTopicHandlers([]), "": ConsumeTopicHandlers([])]
        #expect(throws: ConfigurationError.self) { try config.validate() }
    }

    @Test func stopPolicyEndsConsumingAndCommitsNothingPastTheFailure() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<10).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }

        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.retry = RetryConfig(maxRetries: 1, initialBackoff: .milliseconds(1))
        config.processing.exhaustedPolicy = .stop
        let seen = Collector<Seen>()
        let consumer = try GroupConsumer(config)
        let error = await #expect(throws: ConsumerError.self) {
            try await consumer.consume { message in
                seen.add(Seen(message))
                if message.offset == 4 { throw Failure() }
            }
        }
        #expect(error?.code == .retriesExhausted)
        #expect(error?.cause is Failure)
        #expect(error?.position?.offset == 4)
        #expect(error.map { "\($0)" }?.hasPrefix("handle message exhausted retries") == true)
        #expect(seen.values.map(\.offset) == [0, 1, 2, 3, 4, 4], "nothing overtakes the failed message")
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders") == [0: 4])
    }

    /// Nothing starts after it, although thousands of messages are at hand and the consumer thread has yet
    /// to notice.
    @Test func closingFromAHandlerCountsItsMessage() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<5_000).map { ProduceMessage(key: "k", value: "\($0)") })
        defer { broker.stop() }
        let config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        let consumer = try GroupConsumer(config)
        let report = try await withDeadline(.seconds(30), "the end") {
            try await consumer.consume { message in
                if message.offset == 2 { await consumer.close() }
            }
        }
        #expect(report.completed == 3)
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders") == [0: 3])
        let error = await #expect(throws: ConsumerError.self) { try await consumer.consume { _ in } }
        #expect(error?.code == .closed)
    }

    /// R10: a handler that ignores its cancellation does not keep the consumer from ending.
    @Test func stubbornHandlerIsAbandoned() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<2).map { ProduceMessage(key: "k\($0)", value: "\($0)") })
        defer { broker.stop() }
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.processing.drainDeadline = .milliseconds(50)
        let started = Collector<Int64>()
        let release = OneShot<Void>()
        let start = ContinuousClock.now
        let report = try await running(
            try GroupConsumer(config),
            { message in
                started.add(message.offset)
                if message.offset == 1 { await release.waitIgnoringCancellation() }
            },
            while: { try await started.wait(forCount: 2) }
        )
        #expect(report.abandoned.map(\.offset) == [1])
        #expect(report.completed == 1)
        #expect(report.duration >= .milliseconds(50))
        #expect(ContinuousClock.now - start < .seconds(20))
        release.resolve(())
        let inspector = ClusterInspector(brokers: broker.brokers)
        #expect(try await inspector.committedOffsets(ofGroup: config.groupID, topic: "orders") == [0: 1])
    }

    /// Two members share the work; one leaves, and the other goes on. Nothing is lost, and the messages
    /// of a key start in order.
    ///
    /// The embedded broker, unlike Kafka, refuses commits while a member joins, so messages may be
    /// handled twice here: what was completed but not committed by then.
    @Test func membersJoinAndLeave() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 4])
        defer { broker.stop() }
        let group = uniqueName("group")
        let seen = Collector<(member: Int, seen: Seen)>()
        let producer = try Producer(.testing(broker, topic: "orders"))
        let members = try (0..<2).map { _ in
            try GroupConsumer(.testing(broker, group: group, topics: ["orders"]))
        }
        func consume(_ member: Int) -> Task<DrainReport, any Error> {
            Task {
                try await members[member].consume { message in
                    try await Task.sleep(for: .milliseconds(1))
                    seen.add((member, Seen(message)))
                }
            }
        }
        @Sendable func numbers() -> Set<Int> { Set(seen.values.compactMap { Int($0.seen.text) }) }
        func send(_ range: Range<Int>) async throws {
            try await producer.produceBatch(range.map { ProduceMessage(key: "k\($0 % 40)", value: "\($0)") })
        }
        let first = consume(0)
        try await send(0..<400)
        try await eventually("the first messages") { numbers().count == 400 }
        let second = consume(1)
        // The second member has work only after the group was rebalanced.
        try await eventually("the second member to work") {
            try await producer.produceBatch((0..<4).map { ProduceMessage(key: "p", value: "probe", partition: $0) })
            return seen.values.contains { $0.member == 1 }
        }
        try await send(400..<800)
        try await eventually("both members' messages") { numbers().count == 800 }
        first.cancel()
        let report = try await first.value
        #expect(report.abandoned.isEmpty)
        try await send(800..<1_200)
        try await eventually("the rest") { numbers().count == 1_200 }
        second.cancel()
        _ = try await second.value
        await producer.close()

        #expect(numbers() == Set(0..<1_200), "nothing is lost (R1)")
        let counted = seen.values.filter { $0.seen.text != "probe" }
        print("members joining and leaving: \(counted.count - 1_200) of 1,200 messages handled twice")
        struct Place: Hashable {
            let member: Int
            let epoch: UInt64
            let key: MessageBytes?
        }
        let places = Dictionary(grouping: counted) { Place(member: $0.member, epoch: $0.seen.epoch, key: $0.seen.key) }
        for (place, values) in places {
            let offsets = values.map(\.seen.offset)
            #expect(offsets == offsets.sorted(), "\(place) (R2)")
        }
    }

    @Test func consumingTwiceAtOnceIsRefused() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let consumer = try GroupConsumer(.testing(broker, topics: ["orders"]))
        let seen = Collector<Int64>()
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produce(ProduceMessage(value: "x"))
        await producer.close()
        try await running(consumer, { seen.add($0.offset) }) {
            try await seen.wait(forCount: 1)
            let error = await #expect(throws: ConsumerError.self) { try await consumer.consume { _ in } }
            #expect(error?.code == .alreadyConsuming)
        }
    }

    @Test func handlersSeeTaskLocalsButNotCancellation() async throws {
        enum Request {
            @TaskLocal static var name = "none"
        }
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(value: "x")])
        defer { broker.stop() }
        let consumer = try GroupConsumer(.testing(broker, topics: ["orders"]))
        let started = Collector<String>()
        let release = OneShot<Void>()
        let wasCancelled = Collector<Bool>()
        let consuming = Request.$name.withValue("mine") {
            Task {
                try await consumer.consume { _ in
                    started.add(Request.name)
                    await release.waitIgnoringCancellation()
                    wasCancelled.add(Task.isCancelled)
                }
            }
        }
        try await started.wait(forCount: 1)
        #expect(started.values == ["mine"])
        consuming.cancel()
        release.resolve(())
        #expect(try await consuming.value.completed == 1)
        #expect(wasCancelled.values == [false])
    }

    @Test func closingAConsumerThatCannotConnectEnds() async throws {
        var config = GroupConsumerConfig(brokers: ["127.0.0.1:1"], groupID: "g", topics: ["t"], logger: testLogger)
        config.librdkafkaProperties = quickConsumer
        let consumer = try GroupConsumer(config)
        let consuming = Task { try await consumer.consume { _ in } }
        try await withDeadline(.seconds(30), "close") { await consumer.close() }
        // Closed before or after consuming began: both end.
        switch await consuming.result {
        case .success(let report): #expect(report.completed == 0)
        case .failure(let error): #expect((error as? ConsumerError)?.code == .closed)
        }
    }
}
