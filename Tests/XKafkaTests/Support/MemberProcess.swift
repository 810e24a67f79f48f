import Foundation
import XKafkaTesting
import XKafkaTestingInternal

/// A consumer in a process of its own, and the ledger it writes.
struct MemberProcess {
    /// One line of the ledger.
    struct Entry: Sendable {
        let isDone: Bool
        /// Milliseconds, of a clock that all processes share.
        let time: Int
        let partition: Int32
        let offset: Int64
        let key: String

        var place: Place { Place(partition: partition, offset: offset) }
    }

    struct Place: Sendable, Hashable {
        let partition: Int32
        let offset: Int64
    }

    let process: ChildProcess
    let ledger: URL

    /// A member of a group.
    init(_ broker: EmbeddedBroker, group: String, topic: String, ledger: URL, _ more: [String: String] = [:]) throws {
        let own = [
            "--group": group, "--session-timeout": "4000", "--heartbeat-interval": "300",
            "-X": "reconnect.backoff.max.ms=200",
        ]
        try self.init(broker, topic: topic, ledger: ledger, own.merging(more) { $1 })
    }

    /// Whatever `options` say: `--partition` makes it the reader of a partition.
    init(_ broker: EmbeddedBroker, topic: String, ledger: URL, _ options: [String: String]) throws {
        self.ledger = ledger
        var arguments = [
            "--brokers", broker.bootstrapServers, "--topic", topic, "--ledger", ledger.path,
            "-X", "fetch.wait.max.ms=10",
        ]
        for (name, value) in options.sorted(by: { $0.key < $1.key }) { arguments += [name, value] }
        process = try ChildProcess("xkafka-test-member", arguments)
    }

    /// What was written so far of beginnings and completions. A last line that is not complete is left out.
    func entries() -> [Entry] {
        Self.lines(of: ledger).compactMap { line in
            guard line.what == .start || line.what == .done else { return nil }
            return Entry(
                isDone: line.what == .done,
                time: line.time,
                partition: line.partition,
                offset: line.offset,
                key: line.key
            )
        }
    }

    /// How many messages were done so far. Asked again and again while the member needs the processor, so it
    /// only looks at how lines begin.
    func doneCount() -> Int {
        guard let data = try? Data(contentsOf: ledger) else { return 0 }
        return data.withUnsafeBytes { bytes in
            var count = 0
            var isStart = true
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                if isStart, byte == UInt8(ascii: "d") { count += 1 }
                isStart = byte == UInt8(ascii: "\n")
                index += 1
            }
            return count
        }
    }

    /// Everything that was written to a ledger. A last line that is not complete is left out.
    static func lines(of ledger: URL) -> [LedgerLine] {
        guard let data = try? Data(contentsOf: ledger), let end = data.lastIndex(of: UInt8(ascii: "\n")) else {
            return []
        }
        return data[...end].split(separator: UInt8(ascii: "\n")).compactMap {
            LedgerLine(String(decoding: $0, as: UTF8.self))
        }
    }

    /// Runs `body` with a folder of its own, which is removed afterwards.
    static func withFolder(_ body: (URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(uniqueName("xkafka-test"))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }
}
