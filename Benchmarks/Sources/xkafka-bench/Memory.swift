import ArgumentParser
import Foundation
import XKafka

/// Whether memory stays as it is while messages go by and a handler of one key does not return.
///
/// What such a handler holds up grows until the limits that are configured for it are reached, and so does what librdkafka
/// holds ready of its partition. So the limits are low here, and memory is looked at once they are reached. The load and the
/// broker are in processes of their own.
struct Memory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The memory of a consumer with a handler that never returns, at the start and at the end."
    )

    @Option(help: "For how long, in seconds, memory is looked at.") var seconds = 60
    @Option(help: "For how long, in seconds, the load runs beforehand.") var warmup = 60
    @Option(help: "Messages per second.") var rate = 20_000
    @Option var partitions = 12
    @Option(help: "How far beyond the blocked message its partition is read.") var maxTrackedOffsets: Int64 = 16_384

    /// How much more memory counts as none, in MiB.
    private static let tolerance = 4.0

    func run() async throws {
        guard seconds > 0, warmup >= 0, rate > 0 else { throw ValidationError("nothing to look at") }
        let server = try Child.serve("memory:\(partitions)")
        defer { server.stop() }
        var config = Clients.consumer(server.firstLine, "memory")
        config.processing.maxTrackedOffsets = maxTrackedOffsets
        config.processing.drainDeadline = .milliseconds(200)
        let consumer = try GroupConsumer(config)
        let consuming = Task {
            try await consumer.consume { message in
                if message.key == "key-7" { try await Task.sleep(for: .seconds(1_000_000)) }
            }
        }
        let load = try Child.load(["--brokers", server.firstLine, "--topic", "memory", "--rate", "\(rate)"])
        try await Task.sleep(for: .seconds(warmup))
        let start = try await look(at: consumer)
        print("after \(warmup) s: \(start)")
        var last = start
        for part in 1...10 {
            try await Task.sleep(for: .seconds(Double(seconds) / 10))
            last = try await look(at: consumer)
            print("after \(warmup + seconds * part / 10) s: \(last)")
        }
        load.stop()
        await consumer.close()
        _ = try await consuming.value
        let growth = last.mebibytes - start.mebibytes
        print(
            """
            memory: \(partitions) partitions, one key blocked, \(seconds) s, \(last.handled - start.handled) messages: \
            \(one(start.mebibytes)) MiB at the start, \(one(last.mebibytes)) MiB at the end; \
            at most \(one(Self.tolerance)) MiB more: \(growth <= Self.tolerance ? "met" : "not met")
            """
        )
    }

    private struct Look: CustomStringConvertible {
        let mebibytes: Double
        let handled: Int64
        let waiting: Int
        let doneBeyondFrontier: Int

        var description: String {
            """
            \(String(format: "%.1f", mebibytes)) MiB, \(handled) messages read, \(waiting) in hand, \
            \(doneBeyondFrontier) done beyond the frontier
            """
        }
    }

    private func look(at consumer: GroupConsumer) async throws -> Look {
        let snapshot = try await consumer.snapshot()
        return Look(
            mebibytes: try residentMebibytes(),
            handled: snapshot.partitions.reduce(0) { $0 + ($1.highestDelivered ?? -1) + 1 },
            waiting: snapshot.messagesInHand,
            doneBeyondFrontier: snapshot.partitions.reduce(0) { $0 + $1.completedBeyondFrontier }
        )
    }

    private func residentMebibytes() throws -> Double {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count > 1, let kibibytes = Double(words[1]) { return kibibytes / 1_024 }
        }
        throw ValidationError("/proc/self/status says nothing of VmRSS")
    }

    private func one(_ value: Double) -> String { String(format: "%.1f", value) }
}
