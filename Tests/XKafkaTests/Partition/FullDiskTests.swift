import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// A disk that takes no more: a limit on the size of files in a process of its own stands in for it.
@Suite(.timeLimit(.minutes(2))) struct FullDiskTests {
    private static let partition = TopicPartition(topic: "orders", partition: 0)

    /// The store reports it, what was saved before stays, and the consumer ends with the error once its patience
    /// is over. With room again, everything that was not saved is handled again, and nothing else.
    @Test func fileStoreKeepsTheLastCheckpoint() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1], in: .childProcess)
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: "orders"))
        func send(_ count: Int) async throws {
            try await producer.produceBatch((0..<count).map { ProduceMessage(key: "k\($0 % 10)", value: "\($0)") })
        }
        try await MemberProcess.withFolder { folder in
            let path = folder.appendingPathComponent("offsets").path
            func member(_ options: [String: String]) throws -> MemberProcess {
                let own = [
                    "--partition": "0", "--offsets-file": path, "--commit-interval": "10",
                    "--store-failure-limit": "1000",
                ]
                // Its ledger is no file: that could not grow either.
                let ledger = URL(fileURLWithPath: "/dev/stdout")
                return try MemberProcess(broker, topic: "orders", ledger: ledger, own.merging(options) { $1 })
            }

            try await send(100)
            let first = try member([:])
            try await eventually("the first checkpoint") {
                // A copy: the original is the member's alone.
                guard let file = try? Data(contentsOf: URL(fileURLWithPath: path)) else { return false }
                let copy = folder.appendingPathComponent(uniqueName("copy"))
                try file.write(to: copy)
                return try await FileOffsetStore(path: copy.path).load(Self.partition) == 100
            }
            try first.process.say("file-size-limit 20")
            try await first.process.lines.wait(for: "the limit") { $0.contains("file-size-limit 20") }
            try await send(50)
            try await first.process.lines.wait(for: "the work to go on") { handled($0, .done).count == 150 }
            try await first.process.lines.wait(for: "the error") { $0.contains { $0.hasPrefix("failed: ") } }
            #expect(try await first.process.finish() == 1)
            let error = first.process.lines.values.first { $0.hasPrefix("failed: ") } ?? ""
            #expect(error.contains("save offset"), "\(error)")
            #expect(error.contains(String(cString: strerror(EFBIG))), "\(error)")
            #expect(try await FileOffsetStore(path: path).loadCheckpoint(Self.partition) == Checkpoint(nextOffset: 100))

            let second = try member(["--until-end": "yes"])
            try await second.process.lines.wait(for: "the end") { $0.contains { $0.hasPrefix("ended: ") } }
            #expect(try await second.process.finish() == 0)
            #expect(handled(second.process.lines.values, .start).sorted() == Array(100..<150))
            #expect(try await FileOffsetStore(path: path).loadCheckpoint(Self.partition) == Checkpoint(nextOffset: 150))
        }
        await producer.close()
    }
}

/// The offsets in the lines of a ledger that begin with `what`.
private func handled(_ lines: [String], _ what: LedgerLine.What) -> [Int64] {
    lines.compactMap { LedgerLine($0) }.filter { $0.what == what }.map(\.offset)
}
