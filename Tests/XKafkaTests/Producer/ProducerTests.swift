import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.timeLimit(.minutes(2))) struct ProducerTests {
    /// Read back by a client nobody here wrote.
    @Test func kcatReadsWhatWasProduced() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        let messages = [
            ProduceMessage(key: "order-1", value: "paid", headers: ["a": "1", "a": "2", "null": nil, "empty": ""]),
            ProduceMessage(key: "order-2", value: Optional<MessageBytes>.none),
            ProduceMessage(key: Optional<MessageBytes>.none, value: "no key"),
            ProduceMessage(key: "", value: "", timestamp: 1_700_000_000_123),
        ]
        var results: [ProduceResult] = []
        for message in messages { results.append(try await producer.produce(message)) }
        await producer.close()
        #expect(results.map(\.offset) == [0, 1, 2, 3])
        #expect(results.allSatisfy { $0.topic == "orders" && $0.partition == 0 && $0.attempt == 1 })

        // %K and %S are lengths, -1 for null; that is how kcat tells a null from an empty one.
        let read = try await Kcat.run([
            "-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q", "-f", "%o|%K:%k|%S:%s|%h|%T\\n",
        ])
        #expect(read.lines.count == 4)
        #expect(read.lines[0].hasPrefix("0|7:order-1|4:paid|a=1,a=2,null=NULL,empty=|"))
        #expect(read.lines[1].hasPrefix("1|7:order-2|-1:|"))
        #expect(read.lines[2].hasPrefix("2|-1:|6:no key|"))
        #expect(read.lines[3] == "3|0:|0:||1700000000123")
    }

    /// The placement xkafka's partitioner gives, and spread for messages without a key.
    @Test func keysGoWhereXkafkaSendsThem() async throws {
        let broker = try EmbeddedBroker.start(topics: ["twelve": 12])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "twelve"))
        let placed = [("order-1", 1), ("order-2", 4), ("order-3", 3), ("key-1", 10), ("key-2", 11), ("same-key", 5)]
        for (key, partition) in placed {
            let result = try await producer.produce(ProduceMessage(key: key, value: "x"))
            #expect(result.partition == partition, "\(key)")
        }
        var partitions: Set<Int32> = []
        for _ in 0..<40 {
            partitions.insert(try await producer.produce(ProduceMessage(value: "keyless")).partition)
        }
        #expect(partitions.count > 3, "keyless messages are spread")
        let chosen = try await producer.produce(ProduceMessage(key: "order-1", value: "x", partition: 7))
        #expect(chosen.partition == 7)
        await producer.close()
    }

    @Test func batchKeepsItsOrder() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        let results = try await producer.produceBatch((0..<5_000).map { ProduceMessage(key: "k", value: "\($0)") })
        await producer.close()
        #expect(results.map(\.offset) == (0..<5_000).map { Int64($0) })
        let read = try await Kcat.run(["-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q"])
        #expect(read.lines == (0..<5_000).map { "\($0)" })
    }

    @Test func batchNamesTheMessageThatFailed() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker))
        let error = await #expect(throws: ProducerError.self) {
            try await producer.produceBatch([
                ProduceMessage(topic: "orders", value: "0"), ProduceMessage(topic: "orders", value: "1"),
                ProduceMessage(value: "no topic"),
            ])
        }
        #expect(error?.code == .batchFailed)
        #expect(error?.batchIndex == 2)
        #expect(error?.batchResults.map(\.offset) == [0, 1])
        #expect(error.map { "\($0)" }?.hasPrefix("produce batch index 2: producer topic is required") == true)
        await producer.close()
    }

    @Test func permanentErrorsFailAtOnce() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        let tooLarge = MessageBytes(repeatElement(0, count: 2_000_000))
        let error = await #expect(throws: KafkaError.self) {
            try await withDeadline(.seconds(5), "a refusal") {
                try await producer.produce(ProduceMessage(value: tooLarge))
            }
        }
        #expect(error?.code == .messageTooLarge)
        #expect(error?.errorClass == .permanent)
        #expect(try await producer.produce(ProduceMessage(value: "fits")).offset == 0)
        // Headers of a refused message are freed once: its partition does not exist.
        await #expect(throws: KafkaError.self) {
            try await producer.produce(ProduceMessage(value: "x", headers: ["a": "b"], partition: 99))
        }
        await producer.close()
    }

    /// The broker answers with errors, disconnects and goes down, and nothing is lost or reordered (R9).
    @Test func orderSurvivesTrouble() async throws {
        let broker = try EmbeddedBroker.start(brokers: 2, topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        // The embedded broker does not check sequence numbers, so that a batch that was refused comes behind one
        // that was sent after it.
        config.maxInFlightRequests = 1
        let producer = try Producer(config)
        try await producer.produce(ProduceMessage(key: "k", value: "-1"))
        async let trouble: Void = broker.play([
            .at(.milliseconds(0), .fail(.produce, with: .notLeaderForPartition, times: 2)),
            .at(.milliseconds(50), .moveLeader(of: TopicPartition(topic: "orders", partition: 0), to: 2)),
            .at(.milliseconds(100), .brokerDown(2)),
            .at(.milliseconds(400), .brokerUp(2)),
            .at(.milliseconds(500), .fail(.produce, with: .notEnoughReplicas, times: 2)),
        ])
        var futures: [ProduceFuture] = []
        for number in 0..<3_000 {
            futures.append(try await producer.produceAsync(ProduceMessage(key: "k", value: "\(number)")))
            // Spread over the time of the trouble.
            if number % 5 == 0 { try await Task.sleep(for: .milliseconds(1)) }
        }
        for future in futures { _ = try await future.value }
        try await trouble
        await producer.close()
        let read = try await Kcat.run(["-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q"])
        #expect(read.lines == (-1..<3_000).map { "\($0)" })
    }

    @Test func closingDeliversWhatIsUnderWay() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        try broker.inject(.roundTripTime(.milliseconds(200)))
        let producer = try Producer(.testing(broker, topic: "orders"))
        var futures: [ProduceFuture] = []
        for number in 0..<1_000 { futures.append(try await producer.produceAsync(ProduceMessage(value: "\(number)"))) }
        await producer.close()
        for (number, future) in futures.enumerated() {
            let result = try #require(future.current, "every future is resolved when close returns")
            #expect(try result.get().offset == Int64(number))
        }
        await producer.close()
        let error = await #expect(throws: ProducerError.self) {
            try await producer.produce(ProduceMessage(value: "late"))
        }
        #expect(error?.code == .closed)
        #expect(error.map { "\($0)" } == "producer is closed")
    }

    @Test func closingADeadConnectionEndsByTheDeadline() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.closeDeadline = .milliseconds(300)
        let producer = try Producer(config)
        try await producer.produce(ProduceMessage(value: "connected"))
        try broker.inject(.brokerDown())
        let future = try await producer.produceAsync(ProduceMessage(value: "stuck"))
        try await withDeadline(.seconds(10), "close") { await producer.close() }
        let error = #expect(throws: ProducerError.self) { try future.current?.get() }
        #expect(error?.code == .closed)
        #expect(future.current != nil, "every future resolves (R10)")
    }

    @Test func fullProducerSuspendsUntilThereIsRoom() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.maxInFlightMessages = 2
        let producer = try Producer(config)
        try await producer.produce(ProduceMessage(value: "connected"))
        try broker.inject(.brokerDown())
        for _ in 0..<2 { try await producer.produceAsync(ProduceMessage(value: "x")) }
        let third = Task { try await producer.produceAsync(ProduceMessage(value: "waits")) }
        let cancelled = Task { try await producer.produceAsync(ProduceMessage(value: "given up")) }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        try broker.inject(.brokerUp())
        _ = try await withDeadline(.seconds(20), "room") { try await third.value.value }
        await producer.close()
        let read = try await Kcat.run(["-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q"])
        #expect(read.lines == ["connected", "x", "x", "waits"])
    }

    /// Whoever is let in when another message was delivered finds room in librdkafka's queue, too.
    @Test func fullProducerNeverRefuses() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.maxInFlightMessages = 3
        config.linger = .zero
        let producer = try Producer(config)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<32 {
                group.addTask {
                    for _ in 0..<50 { try await producer.produce(ProduceMessage(value: "x")) }
                }
            }
            try await group.waitForAll()
        }
        await producer.close()
        #expect(try await ClusterInspector(brokers: broker.brokers).endOffsets(of: "orders") == [0: 1_600])
    }

    @Test func cancelledWaitSaysThatTheOutcomeIsUnknown() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produce(ProduceMessage(value: "connected"))
        try broker.inject(.brokerDown())
        let waiting = Task { try await producer.produce(ProduceMessage(value: "under way")) }
        try await eventually("the message to be under way") { producer.messagesInFlight == 1 }
        waiting.cancel()
        let error = await #expect(throws: ProducerError.self) { try await waiting.value }
        #expect(error?.code == .outcomeUnknown)
        try broker.inject(.brokerUp())
        await producer.close()
    }

    /// R10: submitting and closing at the same time always ends, one way or the other.
    @Test func submittingRacesClosing() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        for _ in 0..<50 {
            let producer = try Producer(.testing(broker, topic: "orders"))
            try await raceClosing(producer) {
                for _ in 0..<20 {
                    do {
                        _ = try await producer.produceAsync(ProduceMessage(value: "x")).value
                    } catch let error as ProducerError {
                        #expect(error.code == .closed)
                    } catch {
                        Issue.record(error)
                    }
                }
            }
        }
    }

    /// R6, R12: what no broker takes is refused and leaves the bounds as they were, however large it is.
    @Test func refusedMessageGivesItsRoomBack() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.maxInFlightBytes = 1_000
        let producer = try Producer(config)
        // Addresses without memory: nobody gets to read them.
        let region = try #require(EmptyRegion(byteCount: 5 << 30))
        let error = await #expect(throws: KafkaError.self) {
            try await producer.produce(
                ProduceMessage(key: "k", value: MessageBytes(region.bytes, ownedBy: region))
            )
        }
        #expect(error?.code == .messageTooLarge)
        #expect(producer.messagesInFlight == 0)
        #expect(producer.bytesInFlight == 0)
        try await producer.produce(ProduceMessage(key: "k", value: "v"))
        await producer.close()
    }

    @Test func missingTopicIsAnError() async throws {
        let producer = try Producer(ProducerConfig(brokers: ["127.0.0.1:1"], logger: testLogger))
        let error = await #expect(throws: ProducerError.self) { try await producer.produce(ProduceMessage(value: "x")) }
        #expect(error?.code == .topicRequired)
        await producer.close()
    }
}

/// Addresses that nothing is behind until somebody writes there.
///
/// `@unchecked Sendable`: nobody writes there.
private final class EmptyRegion: @unchecked Sendable {
    let bytes: UnsafeRawBufferPointer

    init?(byteCount: Int) {
        let start = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let start, start != MAP_FAILED else { return nil }
        bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
}
