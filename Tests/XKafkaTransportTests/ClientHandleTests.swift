import CKafka
import Foundation
import Synchronization
import Testing
import XKafkaCore
import XKafkaTestingInternal
import XKafkaTransport

@Suite struct ConfigurationHandleTests {
    @Test func refusalsComeInLibrdkafkasWordsAndOrder() {
        var properties = ClientProperties()
        properties.set("no.such.thing", "1")
        properties.set("client.id", "fine")
        properties.set("socket.timeout.ms", "soon")
        let problems = properties.problems(for: .producer)
        #expect(problems.map(\.field) == ["no.such.thing", "socket.timeout.ms"])
        #expect(problems.first?.rule == "No such configuration property: \"no.such.thing\"")
    }

    @Test func rulesBetweenPropertiesAreChecked() {
        var properties = ClientProperties()
        properties.set("session.timeout.ms", "60000")
        properties.set("max.poll.interval.ms", "1000")
        let problems = properties.problems(for: .consumer)
        #expect(problems.count == 1)
        #expect(problems.first?.rule.contains("max.poll.interval.ms") == true)
    }

    @Test func secretsDoNotShowInRefusals() {
        var properties = ClientProperties()
        properties.set("ssl.key.pem", secret: "SECRET")
        properties.set("sasl.mechanism", "NONSENSE")
        properties.set("ssl.ca.location", "/nowhere")
        properties.set("security.protocol", "sasl_ssl")
        #expect(!"\(properties.problems(for: .producer))".contains("SECRET"))
    }

    /// A second check must not connect: no broker is named, and nothing is logged.
    @Test func checkingIsQuick() {
        var properties = ClientProperties()
        properties.setConnection(brokers: ["192.0.2.1:9092"], clientID: "c", security: .plaintext)
        let start = ContinuousClock.now
        for _ in 0..<20 { #expect(properties.problems(for: .consumer).isEmpty) }
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}

@Suite struct TopicPartitionListTests {
    @Test func keepsPartitionsAndOffsets() {
        let partitions = [TopicPartition(topic: "b", partition: 1), TopicPartition(topic: "a", partition: 0)]
        let list = TopicPartitionList(partitions)
        #expect(UnsafePointer(list.pointer).partitions == partitions)
        let offsets = TopicPartitionList(partitions.map { TopicPartitionOffset($0, offset: 7) })
        #expect(UnsafePointer(offsets.pointer).elements.map(\.offset) == [7, 7])
    }
}

@Suite struct WakeSignalTests {
    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .relaxed) }
        func add() { count.add(1, ordering: .relaxed) }
    }

    @Test func raisedSignalEndsTheNextWait() {
        let signal = WakeSignal()
        signal.raise()
        signal.raise()
        #expect(signal.wait(until: .now + .seconds(60)))
        #expect(!signal.wait(until: .now + .milliseconds(10)), "raised twice, taken once")
        #expect(!signal.wait(until: .now - .seconds(1)))
    }

    @Test func raisingWakesASleeper() async throws {
        let signal = WakeSignal()
        let woken = Collector<Bool>()
        DedicatedThread.start("test") { woken.add(signal.wait(until: .now + .seconds(30))) }
        signal.raise()
        try await woken.wait(forCount: 1)
        #expect(woken.values == [true])
    }

    /// Every raise is followed by a wake-up that sees what was done before it.
    @Test func nothingIsMissed() async throws {
        let signal = WakeSignal()
        let count = Counter()
        let done = OneShot<Bool>()
        DedicatedThread.start("test") {
            let deadline = ContinuousClock.now + .seconds(30)
            while count.value < 20_000, ContinuousClock.now < deadline {
                _ = signal.wait(until: deadline)
            }
            done.resolve(ContinuousClock.now < deadline)
        }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    for _ in 0..<10_000 {
                        count.add()
                        signal.raise()
                    }
                }
            }
        }
        #expect(try await done.wait())
    }
}

@Suite(.timeLimit(.minutes(1))) struct ConsumerClientTests {
    /// Messages outlive the consumer: its client is freed with the last of them.
    @Test func clientIsFreedWithItsLastMessage() async throws {
        let cluster = try MockCluster(brokers: 1)
        defer { cluster.stop() }
        try cluster.create(topic: "t", partitions: 1, replicationFactor: 1)
        try await Kcat.produce(cluster.bootstrapServers, topic: "t", keyedLines: ["a\t1"])

        let signal = WakeSignal()
        var properties = ClientProperties()
        properties.setConnection(brokers: [cluster.bootstrapServers], clientID: "c", security: .plaintext)
        properties.set("group.id", "g")
        properties.set("auto.offset.reset", "earliest")
        properties.set("fetch.wait.max.ms", "10")
        let client = try ConsumerClient(properties, waking: signal)
        let partition = TopicPartition(topic: "t", partition: 0)
        var queue: EventQueue? = try client.queue(of: partition) { signal.raise() }
        try client.assign([TopicPartitionOffset(partition, offset: 0)], incrementally: false)

        let source = MessageSource(topicPartition: partition, epoch: 1)
        let deadline = ContinuousClock.now + .seconds(30)
        var kept: FetchedMessage?
        while kept == nil, ContinuousClock.now < deadline {
            while client.nextEvent() != nil {}
            if let queue, let batch = client.takeMessages(from: queue, limit: 10) {
                for index in 0..<batch.count where batch.failure(at: index, of: partition) == nil {
                    kept = batch.message(at: index, offset: batch.offset(at: index), from: source)
                }
            }
            if kept == nil { signal.wait(until: .now + .milliseconds(100)) }
        }
        #expect(kept?.value == "1")
        queue = nil
        try client.unassign([partition], incrementally: false)
        try client.beginClose()
        while !client.isClosed, ContinuousClock.now < deadline {
            while client.nextEvent() != nil {}
            signal.wait(until: .now + .milliseconds(10))
        }
        let destroyed = Collector<Bool>()
        #expect(!client.release { destroyed.add(true) }, "a message is still kept")
        #expect(kept?.key == "a")
        #expect(destroyed.values.isEmpty)
        kept = nil
        try await destroyed.wait(forCount: 1)
    }
}
