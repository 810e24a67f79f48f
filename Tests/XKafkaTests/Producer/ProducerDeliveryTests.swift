import Logging
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Batches, flushing and what is on the wire, with the embedded broker.
@Suite(.timeLimit(.minutes(2))) struct ProducerDeliveryTests {
    @Test func reportTellsWhichMessagesFailedForGood() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 2])
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        let tooLarge = MessageBytes(repeatElement(0, count: 2_000_000))
        let report = try await withDeadline(.seconds(30), "a report") {
            try await producer.produceBatchReport([
                ProduceMessage(key: "k", value: "0", partition: 1),
                ProduceMessage(key: "k", value: tooLarge),
                ProduceMessage(key: "k", value: "2", partition: 1),
                ProduceMessage(topic: " ", key: "k", value: "no topic"),
                ProduceMessage(key: "k", value: "no partition", headers: ["a": "b"], partition: 99),
                ProduceMessage(key: "k", value: "5", partition: 1),
            ])
        }
        await producer.close()
        #expect(try [0, 2, 5].map { try report[$0].get().offset } == [0, 1, 2])
        #expect(report[1].kafkaError?.code == .messageTooLarge)
        #expect(report[3].producerErrorCode == .topicRequired)
        #expect(report[4].kafkaError?.code == .unknownPartition)
        #expect([1, 4].allSatisfy { report[$0].kafkaError?.errorClass == .permanent })
    }

    /// Ten times the work of one after the other takes less time.
    @Test func batchesArePipelined() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 4])
        defer { broker.stop() }
        try broker.inject(.roundTripTime(.milliseconds(5)))
        let producer = try Producer(.testing(broker, topic: "orders"))
        try await producer.produce(ProduceMessage(value: "connected"))
        let clock = ContinuousClock()
        let single = try await clock.measure {
            for number in 0..<100 { try await producer.produce(ProduceMessage(key: "\(number)", value: "x")) }
        }
        let batch = try await clock.measure {
            let messages = (0..<1_000).map { ProduceMessage(key: "\($0)", value: "x") }
            for outcome in try await producer.produceBatchReport(messages) { _ = try outcome.get() }
        }
        await producer.close()
        #expect(batch < single, "1,000 in \(batch), 100 in \(single)")
    }

    @Test func flushingDoesNotWaitForCompany() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.linger = .seconds(60)
        let producer = try Producer(config)
        var futures: [ProduceFuture] = []
        for number in 0..<10 { futures.append(try await producer.produceAsync(ProduceMessage(value: "\(number)"))) }
        try await withDeadline(.seconds(20), "a flush") { try await producer.flush() }
        for future in futures { #expect(try future.current?.get().persistence == .persisted) }
        try await producer.flush()

        try broker.inject(.brokerDown())
        let stuck = try await producer.produceAsync(ProduceMessage(value: "stuck"))
        let error = await #expect(throws: ProducerError.self) { try await producer.flush(deadline: .milliseconds(50)) }
        #expect(error?.code == .deadlineExceeded)
        let flushing = Task { try await producer.flush() }
        flushing.cancel()
        await #expect(throws: CancellationError.self) { try await flushing.value }
        #expect(stuck.current == nil, "it goes on")
        try broker.inject(.brokerUp())
        await producer.close()
        #expect(try stuck.current?.get().offset == 10)
    }

    @Test(arguments: [Compression.none, .gzip, .snappy, .lz4, .zstd])
    func kcatReadsEveryCompression(compression: Compression) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.compression = compression
        let producer = try Producer(config)
        let values = (0..<500).map { "\($0)-" + String(repeating: "abc", count: 20) }
        try await producer.produceBatch(values.map { ProduceMessage(key: "k", value: $0) })
        await producer.close()
        let read = try await Kcat.run(["-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q"])
        #expect(read.lines == values)
    }

    @Test func withoutAcknowledgementsNothingIsCertain() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.acks = .none
        config.isIdempotent = false
        config.maxInFlightRequests = 1
        let producer = try Producer(config)
        let result = try await producer.produce(ProduceMessage(value: "x"))
        await producer.close()
        #expect(result.offset == nil)
        #expect(result.persistence == .possiblyPersisted)
    }

    /// xkafka's placement of messages without a key, for those who want it to the letter.
    @Test func partitionersDiffer() async throws {
        let broker = try EmbeddedBroker.start(topics: ["twelve": 12])
        defer { broker.stop() }
        func partitions(_ partitioner: Partitioner) async throws -> [Int32] {
            var config = ProducerConfig.testing(broker, topic: "twelve")
            config.partitioner = partitioner
            let producer = try Producer(config)
            let keyless = (0..<6).map { ProduceMessage(value: "\($0)") }
            let keyed = ["order-1", "key-2"].map { ProduceMessage(key: $0, value: "x") }
            let results = try await producer.produceBatch(keyless + keyed)
            await producer.close()
            return results.map(\.partition)
        }
        #expect(try await partitions(.fnv1a) == [3, 3, 3, 3, 3, 3, 1, 11])
        #expect(try await partitions(.fnv1aRandom).suffix(2) == [1, 11])
        let java = try await partitions(.murmur2Random).suffix(2)
        let crc = try await partitions(.consistentRandom).suffix(2)
        #expect(Array(java) != [1, 11])
        #expect(Array(crc) != [1, 11])
    }

    /// Handlers do not keep messages from sharing requests: a thousand are on their way at once.
    @Test(arguments: [ProducerDispatchConfig.Mode.serial, .keySharded, .parallel])
    func closingDeliversWhatIsUnderWayWithHandlers(mode: ProducerDispatchConfig.Mode) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        try broker.inject(.roundTripTime(.milliseconds(100)))
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.dispatch.mode = mode
        config.handlers = [
            ProduceMiddleware { message, next in
                await Task.yield()
                var message = message
                message.message.headers.append("origin", "test")
                return try await next(message)
            }
        ]
        let producer = try Producer(config)
        var futures: [ProduceFuture] = []
        for number in 0..<1_000 {
            futures.append(try await producer.produceAsync(ProduceMessage(key: "k", value: "\(number)")))
        }
        try await withDeadline(.seconds(30), "close") { await producer.close() }
        let offsets = try futures.map { try $0.current?.get().offset }
        #expect(Set(offsets) == Set((0..<1_000).map { Int64($0) }))
        if mode != .parallel { #expect(offsets == (0..<1_000).map { Int64($0) }, "in the order of calls") }
    }

    /// The level is not asked for with each message: it counts from the next reports on.
    @Test func successesAreLoggedFromWhenTheLogWantsThem() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let log = AdjustableLog()
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.logger = log.logger
        let producer = try Producer(config)
        try await producer.produce(ProduceMessage(value: "quiet"))
        #expect(log.lines.values.isEmpty)
        log.level = .debug
        for _ in 0..<2 { try await producer.produce(ProduceMessage(value: "loud")) }
        #expect(log.count(of: "xkafka produce success") > 0)
        log.level = .error
        let count = log.count(of: "xkafka produce success")
        for _ in 0..<2 { try await producer.produce(ProduceMessage(value: "quiet")) }
        #expect(log.count(of: "xkafka produce success") == count)
        await producer.close()
    }
}

extension Result where Failure == any Error {
    fileprivate var kafkaError: KafkaError? { if case .failure(let error) = self { error as? KafkaError } else { nil } }
}
