import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What messages may hold (R12), through the engine and past kcat.
@Suite(.timeLimit(.minutes(2))) struct MessageContentTests {
    /// Sends messages to a new broker and answers what a consumer read.
    private func roundTrip(
        _ messages: [ProduceMessage],
        processing: ProcessingConfig = ProcessingConfig(),
        maxMessageBytes: Int = ProducerConfig.defaultMaxMessageBytes
    ) async throws -> [ConsumeContext] {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.maxMessageBytes = maxMessageBytes
        let producer = try Producer(config)
        for message in messages { try await producer.produce(message) }
        await producer.close()
        return try await read(messages.count, from: broker, processing)
    }

    private func read(
        _ count: Int,
        from broker: EmbeddedBroker,
        _ processing: ProcessingConfig = ProcessingConfig()
    ) async throws -> [ConsumeContext] {
        let seen = Collector<ConsumeContext>()
        let consumer = try PartitionConsumer(.testing(broker, topic: "orders", processing: processing))
        try await running(consumer, { seen.add($0) }) { try await seen.wait(forCount: count) }
        return seen.values.sorted { $0.offset < $1.offset }
    }

    @Test func missingAndEmptyAreDifferent() async throws {
        let contents: [MessageBytes?] = [nil, "", "x"]
        let messages = contents.flatMap { key in contents.map { ProduceMessage(key: key, value: $0) } }
        let seen = try await roundTrip(messages)
        #expect(seen.map(\.key) == messages.map(\.key))
        #expect(seen.map(\.value) == messages.map(\.value))
    }

    /// kcat tells a missing value from an empty one by its size: -1 or 0.
    @Test func kcatSeesTombstonesAndEmptyValues() async throws {
        let broker = try await EmbeddedBroker.withOrders([
            ProduceMessage(key: "tombstone"), ProduceMessage(key: "empty", value: ""), ProduceMessage(value: "x"),
        ])
        defer { broker.stop() }
        let read = try await Kcat.run([
            "-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q", "-f", "%K:%k|%S:%s\\n",
        ])
        #expect(read.lines == ["9:tombstone|-1:", "5:empty|0:", "-1:|1:x"])
        let sent = try await Kcat.run(
            ["-P", "-b", broker.bootstrapServers, "-t", "orders", "-K", ":"],
            input: Data("empty:\n".utf8)
        )
        try #require(sent.status == 0, "\(sent.standardError)")
        let last = try #require(try await self.read(4, from: broker).last)
        #expect(last.key == "empty")
        #expect(last.value == "")
    }

    @Test func bytesThatAreNoTextComeBack() async throws {
        let bytes: MessageBytes = [0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28]
        let headers: MessageHeaders = ["a": bytes, "a": nil, "": "no name", "empty": ""]
        let seen = try await roundTrip([
            ProduceMessage(key: bytes, value: bytes, headers: headers),
            ProduceMessage(key: [0], value: [0xff]),
        ])
        #expect(seen.map(\.key) == [bytes, [0]])
        #expect(seen.map(\.value) == [bytes, [0xff]])
        #expect(seen.first?.headers == headers)
        #expect(seen.first?.logicalKey == bytes)
    }

    @Test func manyHeadersComeBackInOrder() async throws {
        var headers: MessageHeaders = [:]
        for number in 0..<2_000 {
            headers.append(MessageHeader(name: "h\(number % 7)", value: number % 5 == 0 ? nil : "\(number)"))
        }
        let seen = try await roundTrip([ProduceMessage(value: "x", headers: headers)])
        #expect(seen.first?.headers == headers)
    }

    /// Four of them are what the embedded broker keeps of a partition. Larger than what one fetch takes by default, and than the whole byte budget: one at a time.
    @Test func largeMessagesPassASmallBudget() async throws {
        var generator = SeededGenerator(seed: 1)
        let values = (0..<4).map { number in
            MessageBytes((0..<1_048_576 + number).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
        let seen = try await roundTrip(
            values.map { ProduceMessage(key: "k", value: $0) },
            processing: ProcessingConfig(byteBudget: 262_144),
            maxMessageBytes: 2_000_000
        )
        #expect(seen.map(\.value) == values)
    }

    @Test(arguments: ["gzip", "snappy", "lz4", "zstd"])
    func compressedTopicsOfKcatAreRead(_ codec: String) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let lines = (0..<500).map { "k\($0 % 10)\tvalue \($0) \(String(repeating: "x", count: 100))" }
        let sent = try await Kcat.run(
            ["-P", "-b", broker.bootstrapServers, "-t", "orders", "-K", "\t", "-z", codec],
            input: Data(lines.map { $0 + "\n" }.joined().utf8)
        )
        try #require(sent.status == 0, "\(sent.standardError)")
        let seen = try await read(lines.count, from: broker)
        let texts = seen.map { message in
            "\(message.key.map { String($0) } ?? "nil")\t\(message.value.map { String($0) } ?? "nil")"
        }
        #expect(texts == lines)
    }
}
