import Testing
import XKafkaCore
import XKafkaTestingInternal
import XKafkaTransport

/// Messages that are given to librdkafka with one call: it has each of them, or its sender hears of it and has it back.
@Suite(.timeLimit(.minutes(1))) struct MessageRunTests {
    /// `@unchecked Sendable`, as its superclass has it: what it adds never changes.
    private final class Target: DeliveryTarget, @unchecked Sendable {
        let number: Int
        private let freed: Collector<Int>

        init(_ number: Int, _ freed: Collector<Int>) {
            self.number = number
            self.freed = freed
        }

        deinit { freed.add(number) }
    }

    private func properties(_ cluster: MockCluster) -> ClientProperties {
        var properties = ClientProperties()
        properties.setConnection(brokers: [cluster.bootstrapServers], clientID: "p", security: .plaintext)
        return properties
    }

    /// There for as long as any run: runs only point at it.
    private static let value: MessageBytes = "v"

    private func run(_ numbers: Range<Int>, _ freed: Collector<Int>) -> MessageRun {
        var run = MessageRun(capacity: numbers.count)
        for number in numbers { run.append(key: nil, value: Self.value, target: Target(number, freed)) }
        return run
    }

    /// The queue has room for some: the others are refused, in their order, from the first one on.
    @Test func whatHasNoRoomIsRefused() async throws {
        let cluster = try MockCluster(brokers: 1)
        defer { cluster.stop() }
        try cluster.create(topic: "t", partitions: 1, replicationFactor: 1)
        let reported = Collector<Int>()
        let freed = Collector<Int>()
        var properties = properties(cluster)
        properties.set("queue.buffering.max.messages", 5)
        let client = try ProducerClient(
            properties,
            onEvent: { _ in },
            onDeliveries: { batch in
                for delivered in batch { reported.add((delivered.target as? Target)?.number ?? -1) }
            }
        )
        let topic = try client.topic("t")
        var run = run(0..<8, freed)
        var refused: [Int] = []
        client.send(&run, to: topic) { place, target, error in
            #expect((target as? Target)?.number == place)
            #expect(error.code == .queueFull)
            refused.append(place)
        }
        #expect(refused == [5, 6, 7])
        #expect(freed.values.prefix(3) == [5, 6, 7], "the sender has them back")
        #expect(run.count == 0)
        try await reported.wait(forCount: 5)
        #expect(reported.values == [0, 1, 2, 3, 4])
        client.stop()
        try await withDeadline(.seconds(20), "the end of the client") { await client.waitUntilStopped() }
        #expect(freed.values.sorted() == Array(0..<8))
    }

    @Test func aClientThatStoppedTakesNothing() async throws {
        let cluster = try MockCluster(brokers: 1)
        defer { cluster.stop() }
        let freed = Collector<Int>()
        let client = try ProducerClient(properties(cluster)) { _ in }
        let topic = try client.topic("t")
        client.stop()
        for isOver in [false, true] {
            if isOver { try await withDeadline(.seconds(20), "the end") { await client.waitUntilStopped() } }
            var run = run(0..<3, freed)
            var refused = 0
            client.send(&run, to: topic) { place, _, error in
                #expect(place == refused)
                #expect(error.code == .wrongState)
                refused += 1
            }
            #expect(refused == 3)
        }
        #expect(freed.values == [0, 1, 2, 0, 1, 2])
    }

    /// Nothing of a run that is not sent is kept.
    @Test func whatIsNotSentIsLetGo() {
        let freed = Collector<Int>()
        var run = run(0..<3, freed)
        run.removeAll { place, target in #expect((target as? Target)?.number == place) }
        #expect(run.count == 0)
        #expect(freed.values == [0, 1, 2])
    }
}
