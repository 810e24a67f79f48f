import Synchronization
import Testing
import XKafka
import XKafkaCore
import XKafkaTesting
import XKafkaTestingInternal
import XKafkaTransport

/// The producer beside librdkafka alone, in the same run: a ratio, since how fast a machine is says nothing.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ProducerThroughputTests {
    private let count = 20_000

    /// Bounds that only a collapse misses: in debug builds, where everything of ours is slow, and beside other tests.
    @Test(arguments: [ProducerDispatchConfig.Mode.serial, .keySharded, .parallel])
    func throughputHasNotCollapsed(mode: ProducerDispatchConfig.Mode) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 6])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.dispatch.mode = mode
        config.linger = .milliseconds(5)
        var bare: [Duration] = []
        var own: [Duration] = []
        for _ in 0..<5 {
            bare.append(try await timeOfLibrdkafka(config))
            own.append(try await time(of: Producer(config)))
        }
        // The best of each: what other tests take from a run says nothing about the producer.
        let ratio = try #require(bare.min()) / #require(own.min())
        print("throughput, \(mode): \(ratio) of librdkafka's")
        #expect(ratio > 0.05)
    }

    private func time(of producer: Producer) async throws -> Duration {
        try await producer.produce(ProduceMessage(key: "first", value: "v"))
        let start = ContinuousClock.now
        for number in 0..<count {
            try await producer.produceAsync(ProduceMessage(key: "\(number % 100)", value: "value")) { _ in }
        }
        try await producer.flush(deadline: .seconds(60))
        let time = start.duration(to: .now)
        await producer.close()
        return time
    }

    private func timeOfLibrdkafka(_ config: ProducerConfig) async throws -> Duration {
        let all = OneShot<Void>()
        let first = OneShot<Void>()
        let total = count + 1
        let reports = Reports()
        let client = try ProducerClient(
            config.properties(),
            onEvent: { _ in },
            onDeliveries: { batch in
                let sum = reports.add(batch.count)
                if sum >= 1 { first.resolve(()) }
                if sum == total { all.resolve(()) }
            }
        )
        let topic = try client.topic("orders")
        func send(_ key: String) throws {
            try client.send(
                to: topic,
                partition: nil,
                key: MessageBytes(key),
                value: "value",
                headers: [:],
                timestamp: nil,
                target: DeliveryTarget()
            )
        }
        try send("first")
        try await withDeadline(.seconds(30), "the first report") { try await first.wait() }
        let start = ContinuousClock.now
        for number in 0..<count { try send("\(number % 100)") }
        try await withDeadline(.seconds(60), "all reports") { try await all.wait() }
        let time = start.duration(to: .now)
        client.stop()
        await client.waitUntilStopped()
        return time
    }

    private final class Reports: Sendable {
        private let count = Atomic<Int>(0)

        func add(_ more: Int) -> Int { count.add(more, ordering: .relaxed).newValue }
    }
}
