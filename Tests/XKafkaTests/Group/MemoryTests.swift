import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// R6, measured: what a consumer holds does not grow with what its partitions hold.
@Suite(.timeLimit(.minutes(3))) struct MemoryTests {
    private static let partitions = 256
    private static let messagesEach = 40
    private static let messageSize = 100 * 1_024
    private static let byteBudget = 64 * 1_024 * 1_024

    /// 1 GiB of messages and handlers that do not end: memory grows by the budget and little more.
    @Test func slowHandlersBoundMemory() async throws {
        // The broker and the member in processes of their own: in this one, other tests run.
        let broker = try EmbeddedBroker.start(topics: ["large": Self.partitions], in: .childProcess)
        defer { broker.stop() }
        try await produce(to: broker)
        try await MemberProcess.withFolder { folder in
            let member = try MemberProcess(
                broker,
                group: uniqueName("group"),
                topic: "large",
                ledger: folder.appendingPathComponent("ledger"),
                ["--delay": "1000", "--byte-budget": "\(Self.byteBudget)", "--drain-deadline": "100"]
            )
            try await member.process.lines.wait(forCount: 1)
            let before = try member.process.kibibytes("VmRSS")
            // Long after everything there is room for was fetched, and some of it was handled and replaced.
            try await eventually(within: .seconds(60), "messages to be handled") { member.doneCount() >= 160 }
            let peak = try member.process.kibibytes("VmHWM")
            print(
                "memory of a member: \(before) KiB at the start, at most \(peak) KiB (\(member.doneCount()) messages)"
            )
            #expect(peak - before <= Self.byteBudget / 1_024 + 32 * 1_024)
            #expect(peak - before >= Self.byteBudget / 1_024 / 2, "so much is fetched, or this proves nothing")
            _ = try await member.process.finish()
        }
    }

    /// Each message that waits behind a key that is stuck would keep its whole fetch: 100 MiB of messages that are done.
    @Test func messagesThatWaitKeepNoFetch() async throws {
        let broker = try EmbeddedBroker.start(topics: ["large": 1], in: .childProcess)
        defer { broker.stop() }
        let producer = try Producer(ProducerConfig.testing(broker, topic: "large"))
        try await MemberProcess.withFolder { folder in
            let member = try MemberProcess(
                broker,
                group: uniqueName("group"),
                topic: "large",
                ledger: folder.appendingPathComponent("ledger"),
                ["--stuck-key": "stuck", "--drain-deadline": "100"]
            )
            let value = MessageBytes(repeatElement(7, count: 10 * 1_024))
            let roundSize = 400
            var before = 0
            for round in 0..<26 {
                // As much as the embedded broker keeps, and it is read before more is sent. Not faster, because messages
                // are not copied before they have waited.
                let clock = ContinuousClock.now
                try await producer.produceBatch(
                    (0..<roundSize).map { ProduceMessage(key: $0 % 50 == 0 ? "stuck" : "\($0)", value: value) }
                )
                let expected = (round + 1) * roundSize * 49 / 50
                try await eventually("round \(round)") { member.doneCount() >= expected }
                if round == 0 { before = try member.process.kibibytes("VmRSS") }
                try await Task.sleep(until: clock + .milliseconds(300), clock: .continuous)
            }
            let after = try member.process.kibibytes("VmRSS")
            print("memory of a member with 208 messages behind a stuck key: \(before) KiB, then \(after) KiB")
            #expect(after - before < 64 * 1_024)
            _ = try await member.process.finish()
        }
        await producer.close()
    }

    /// One message to a batch: the embedded broker hands out one batch per partition and fetch.
    private func produce(to broker: EmbeddedBroker) async throws {
        var config = ProducerConfig.testing(broker, topic: "large")
        config.linger = .zero
        config.batchMessages = 1
        let producer = try Producer(config)
        let value = MessageBytes(repeatElement(7, count: Self.messageSize))
        for number in 0..<Self.messagesEach {
            try await producer.produceBatch(
                (0..<Self.partitions).map {
                    ProduceMessage(key: "\(number)-\($0)", value: value, partition: Int32($0))
                }
            )
        }
        await producer.close()
    }
}
