import Synchronization
import Testing
import XKafka
import XKafkaCore
import XKafkaTesting
import XKafkaTestingInternal
import XKafkaTransport

/// The consumer beside librdkafka alone, in the same run: a ratio, since how fast a machine is says nothing.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ConsumerThroughputTests {
    private static let partitions = 6
    private static let count = 30_000

    /// A bound that only a collapse misses: in debug builds, where everything of ours is slow, and beside other tests.
    @Test func throughputHasNotCollapsed() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": Self.partitions])
        defer { broker.stop() }
        try await produce(to: broker)
        var bare: [Duration] = []
        var own: [Duration] = []
        for _ in 0..<5 {
            bare.append(try await timeOfLibrdkafka(broker))
            own.append(try await time(broker))
        }
        // The best of each: what other tests take from a run says nothing about the consumer.
        let ratio = try #require(bare.min()) / #require(own.min())
        print("throughput, consumer: \(ratio) of librdkafka's")
        #expect(ratio > 0.025)
    }

    private func produce(to broker: EmbeddedBroker) async throws {
        let producer = try Producer(.testing(broker, topic: "orders"))
        let value = MessageBytes(repeatElement(7, count: 100))
        for start in stride(from: 0, to: Self.count, by: 10_000) {
            try await producer.produceBatch(
                (start..<start + 10_000).map {
                    ProduceMessage(key: "\($0 % 100)", value: value, partition: Int32($0 % Self.partitions))
                }
            )
        }
        await producer.close()
    }

    /// From the first message to the last.
    private func time(_ broker: EmbeddedBroker) async throws -> Duration {
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.partitions = (0..<Int32(Self.partitions)).map(\.self)
        config.end = .untilEnd
        let progress = Progress()
        try await PartitionConsumer(config).consume { _ in progress.note(1) }
        return try progress.time(of: Self.count)
    }

    private func timeOfLibrdkafka(_ broker: EmbeddedBroker) async throws -> Duration {
        let signal = WakeSignal()
        let config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        let client = try ConsumerClient(config.properties(partitions: Self.partitions), waking: signal)
        let (progress, destroyed) = (Progress(), OneShot<Void>())
        // The client is used by one thread, and that one waits.
        let deadline = ContinuousClock.now + .seconds(60)
        let outcome = OneShot<Result<Void, any Error>>()
        DedicatedThread.start("librdkafka alone") {
            outcome.resolve(Result { try Self.drain(client, signal, progress, until: deadline) })
            _ = client.release { destroyed.resolve(()) }
        }
        try await withDeadline(.seconds(90), "all messages") { try await outcome.wait() }.get()
        try await withDeadline(.seconds(30), "the end of the client") { try await destroyed.wait() }
        return try progress.time(of: Self.count)
    }

    private static func drain(
        _ client: ConsumerClient,
        _ signal: WakeSignal,
        _ progress: Progress,
        until deadline: ContinuousClock.Instant
    ) throws {
        let all = (0..<Int32(partitions)).map { TopicPartition(topic: "orders", partition: $0) }
        let queues = try all.map { try client.queue(of: $0) { signal.raise() } }
        try client.assign(all.map { TopicPartitionOffset($0, offset: 0) }, incrementally: false)
        while progress.seen < count, ContinuousClock.now < deadline {
            while client.nextEvent() != nil {}
            var isIdle = true
            for queue in queues {
                guard let batch = client.takeMessages(from: queue, limit: 500) else { continue }
                isIdle = false
                progress.note((0..<batch.count).count { batch.isMessage(at: $0) })
            }
            if isIdle { signal.wait(until: deadline) }
        }
        try client.unassign(all, incrementally: false)
    }

    /// How many messages came, and when.
    private final class Progress: Sendable {
        private struct State {
            var seen = 0
            var first: ContinuousClock.Instant?
            var last: ContinuousClock.Instant?
        }

        private let state = Mutex(State())

        var seen: Int { state.withLock { $0.seen } }

        func note(_ count: Int) {
            state.withLock { state in
                if state.first == nil { state.first = .now }
                state.seen += count
                if state.seen >= ConsumerThroughputTests.count { state.last = state.last ?? .now }
            }
        }

        func time(of count: Int) throws -> Duration {
            try state.withLock { state in
                try #require(state.seen == count, "\(state.seen) messages came")
                return try #require(state.first).duration(to: #require(state.last))
            }
        }
    }
}
