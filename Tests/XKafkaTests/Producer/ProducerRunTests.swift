import Foundation
import Logging
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Batches whose messages go to librdkafka many at a time, where that can be.
@Suite(.timeLimit(.minutes(1))) struct ProducerRunTests {
    /// Messages that can be sent together and such that cannot, for two topics, mixed: each log has its own in their order
    /// and as they were.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func mixedBatchesAreInTheLogAsTheyWere(seed: UInt64) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1, "audit": 1])
        defer { broker.stop() }
        var random = SeededGenerator(seed: seed)
        var messages: [ProduceMessage] = []
        var expected: [String: [String]] = [:]
        for number in 0..<700 {
            // Long stretches of the same kind, and short ones.
            let topic = Int.random(in: 0..<100, using: &random) < 3 ? "audit" : "orders"
            var message = ProduceMessage(topic: topic, key: "k\(number % 7)", value: "\(number)")
            switch Int.random(in: 0..<60, using: &random) {
            case 0: message.headers = ["n": MessageBytes("\(number)")]
            case 1: message.timestamp = 1_700_000_000_000 + Int64(number)
            case 2: message.partition = 0
            case 3: message.key = nil
            case 4: message.key = ""
            case 5: message.value = nil
            case 6: message.value = ""
            default: break
            }
            messages.append(message)
            let header = message.headers.isEmpty ? "" : "n=\(number)"
            let time = message.timestamp.map { "\($0)" } ?? "now"
            let line = "\(Self.text(message.key))|\(Self.text(message.value))|\(header)|\(time)"
            expected[topic, default: []].append(line)
        }
        let producer = try Producer(.testing(broker))
        let started = Int64(Date.now.timeIntervalSince1970 * 1_000)
        let results = try await producer.produceBatch(messages)
        await producer.close()
        for (message, result) in zip(messages, results) { #expect(message.topic == result.topic) }
        for (topic, expected) in expected {
            let read = try await Kcat.run([
                "-C", "-b", broker.bootstrapServers, "-t", topic, "-e", "-q", "-f", "%K:%k|%S:%s|%h|%T\\n",
            ])
            let lines = read.lines.map { line in
                let time = line.split(separator: "|").last.flatMap { Int64($0) } ?? 0
                return time >= started ? line.dropLast("\(time)".count) + "now" : line
            }
            #expect(lines == expected, "seed \(seed), topic \(topic)")
            let offsets = results.filter { $0.topic == topic }.map(\.offset)
            #expect(offsets == (0..<expected.count).map { Int64($0) })
        }
    }

    /// As kcat writes it: its length, and -1 for none.
    private static func text(_ bytes: MessageBytes?) -> String {
        bytes.map { "\($0.count):\(String($0))" } ?? "-1:"
    }

    /// What librdkafka does not take fails by itself, and what comes before and behind it is delivered.
    @Test func refusedMessagesOfABatchFailAlone() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        // At a level at which nothing is done for those that succeed.
        let log = RecordedLog(level: .error)
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.logger = log.logger
        let producer = try Producer(config)
        let refused = [0, 70, 71, 127, 199]
        let tooLarge = MessageBytes(repeatElement(0, count: 2_000_000))
        let messages = (0..<200).map { number in
            ProduceMessage(
                key: "\(number)",
                value: refused.contains(number) ? tooLarge : "\(number)",
                // It goes by itself, so that not everything before and behind it goes together.
                headers: number == 100 ? ["h": "1"] : [:]
            )
        }
        let report = try await withDeadline(.seconds(20), "the batch") {
            try await producer.produceBatchReport(messages)
        }
        for (index, outcome) in report.enumerated() where refused.contains(index) {
            let error = #expect(throws: KafkaError.self) { try outcome.get() }
            #expect(error?.code == .messageTooLarge, "message \(index)")
        }
        let failed = log.entries.filter { $0.message == "xkafka produce failed" }
        #expect(failed.compactMap { $0.fields["key"].flatMap { Int($0) } }.sorted() == refused)
        try await producer.flush()
        #expect(producer.messagesInFlight == 0)
        #expect(producer.bytesInFlight == 0)
        await producer.close()
        let read = try await Kcat.run(["-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q"])
        #expect(read.lines == (0..<200).filter { !refused.contains($0) }.map { "\($0)" })
    }

    /// A message that names a partition which is not there is told so, and does not keep the producer from closing.
    @Test func partitionsThatAreNotThereHoldNothingUp() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.closeDeadline = .seconds(30)
        let producer = try Producer(config)
        try await producer.produce(ProduceMessage(key: "k", value: "connected"))
        var messages = (0..<100).map { ProduceMessage(key: "k\($0)", value: "\($0)") }
        messages[50].partition = 99
        let report = try await producer.produceBatchReport(messages)
        #expect(report.indices.filter { (try? report[$0].get()) == nil } == [50])
        try await withDeadline(.seconds(10), "close") { await producer.close() }
    }

    /// Each message of a batch is told the error that the producer met and can send nothing after.
    @Test func batchesThatMeetAFatalErrorSaySo() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        // CLUSTER_AUTHORIZATION_FAILED: this client may not be idempotent.
        try broker.inject(.fail(.initProducerID, with: KafkaError.Code(rawValue: 31), times: 100))
        let producer = try Producer(.testing(broker, topic: "orders"))
        let messages = (0..<500).map { ProduceMessage(key: "\($0)", value: "x") }
        try await withDeadline(.seconds(30), "all outcomes") {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for _ in 0..<10 {
                            for outcome in try await producer.produceBatchReport(messages) {
                                let error = #expect(throws: KafkaError.self) { try outcome.get() }
                                #expect(error?.errorClass == .fatal)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        await producer.close()
    }

    /// R10: each message of a batch has an outcome when the producer is closed meanwhile.
    @Test func batchesRaceClosing() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let messages = (0..<100).map { ProduceMessage(key: "\($0)", value: "x") }
        for _ in 0..<50 {
            let producer = try Producer(.testing(broker, topic: "orders"))
            try await raceClosing(producer) {
                for _ in 0..<4 {
                    guard let report = try? await producer.produceBatchReport(messages) else { return }
                    #expect(report.count == 100)
                    for outcome in report where (try? outcome.get()) == nil {
                        #expect(outcome.producerErrorCode == .closed)
                    }
                }
            }
            try await eventually("no message to be under way") { producer.messagesInFlight == 0 }
        }
    }
}
