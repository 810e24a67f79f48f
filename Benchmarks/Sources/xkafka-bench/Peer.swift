import ArgumentParser
import Foundation
import RawClient

/// What others' programs need for the same work, where this machine has them.
struct Peer: ParsableCommand {
    enum Side: String, ExpressibleByArgument, CaseIterable {
        /// Reads the topic to its end, without a group. Measured from its start to its exit.
        case kcat
        /// `consume(1000)` in a loop, by the script's own clock.
        case pythonDrain = "python-drain"
        /// `produce` in a loop, by the script's own clock.
        case pythonProduce = "python-produce"

        /// Why it cannot be run; `nil` when it can.
        var reasonToSkip: String? {
            switch self {
            case .kcat:
                return Self.succeeds(["kcat", "-V"]) ? nil : "there is no kcat"
            case .pythonDrain, .pythonProduce:
                guard let python = Self.python else {
                    return "XKAFKA_BENCH_PYTHON names no interpreter with confluent-kafka"
                }
                return Self.succeeds([python, "-c", "import confluent_kafka"])
                    ? nil : "\(python) has no confluent-kafka"
            }
        }

        fileprivate static var python: String? {
            ProcessInfo.processInfo.environment["XKAFKA_BENCH_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
        }

        private static func succeeds(_ command: [String]) -> Bool {
            (try? Peer.run(command, output: .nullDevice)) != nil
        }
    }

    static let configuration = CommandConfiguration(abstract: "Another's side; prints what it measured as JSON.")

    @Argument var side: Side
    @Option var brokers: String
    @Option var topic: String
    @Option var messages: Int64

    func run() throws {
        switch side {
        case .kcat: try kcat()
        case .pythonDrain: try script("drain.py")
        case .pythonProduce: try script("produce.py")
        }
    }

    private func kcat() throws {
        let start = ContinuousClock.now
        try Self.run(
            ["kcat", "-C", "-b", brokers, "-t", topic, "-o", "beginning", "-e", "-q"],
            output: .nullDevice
        )
        var measurement = Measurement(
            messages: messages,
            seconds: start.duration(to: .now) / .seconds(1),
            cpuSeconds: raw_children_cpu_seconds()
        )
        measurement.peakMemory = raw_children_peak_memory()
        try measurement.report()
    }

    /// Scripts print what they measured themselves.
    private func script(_ name: String) throws {
        guard let python = Side.python else { throw ValidationError("XKAFKA_BENCH_PYTHON is not set") }
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let script = package.appendingPathComponent("Peers/\(name)").path
        try Self.run([python, "-B", script, brokers, topic, "\(messages)"], output: .standardOutput)
    }

    private static func run(_ command: [String], output: FileHandle) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output === FileHandle.standardOutput ? FileHandle.standardError : output
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ValidationError("\(command.joined(separator: " ")) ended with \(process.terminationStatus)")
        }
    }
}
