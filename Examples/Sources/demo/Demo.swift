// Reads this machine's package history through Kafka and finds out what is installed.
//
// Run it with `make demo`, on a machine with dpkg and kcat; on others it takes the sample that lies beside it.
//
// It prints what was read, how many packages agree with what dpkg says and why others do not, whether the events of a
// package were in order, and how far the group committed. It fails when anything is not as it should be.

import ArgumentParser
import ExampleSupport
import Foundation
import Logging
import XKafka
import XKafkaTesting

@main
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fold this machine's package history, key by key and in parallel, into what is installed.",
        discussion: """
            kcat publishes the log of dpkg, keyed by package, to an embedded broker; a group consumer folds each \
            package's events, in order, into its last state; the result is compared with what dpkg says.
            """
    )

    @Flag(help: "Work on the bundled sample even if this machine has a history.")
    var sample = false

    static let topic = "package-events"
    static let group = "package-ledger"
    static let partitions = 12
    static let timeLimit = Duration.seconds(120)

    func run() async throws {
        do {
            let history = try await PackageHistory.load(preferringSample: sample)
            let result = try await Self.fold(history)
            print(result.table)
            let failures = result.failures
            guard failures.isEmpty else {
                throw DemoError("this should not be:\n" + failures.map { "- \($0)" }.joined(separator: "\n"))
            }
            print("\nEvery package's events arrived once, in order, and came to what dpkg says.")
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            throw ExitCode.failure
        }
    }

    static func fold(_ history: PackageHistory) async throws -> DemoResult {
        let broker = try EmbeddedBroker.start(topics: [topic: partitions])
        defer { broker.stop() }
        let before = try await history.installed()

        print("History: \(history.source)")
        print(
            "kcat publishes \(history.events.count) events to \(partitions) partitions at \(broker.bootstrapServers)."
        )
        try await Program.run(
            "kcat",
            ["-P", "-b", broker.bootstrapServers, "-t", topic, "-K", "\t"],
            input: history.events.map { "\($0.package)\t\($0.value)\n" }.joined()
        )

        let ledger = PackageLedger()
        try await consume(broker, history, ledger)

        let inspector = ClusterInspector(brokers: broker.brokers)
        return DemoResult(
            events: history.events.count,
            summary: ledger.summary,
            comparison: PackageComparison(
                folded: ledger.summary.states,
                before: before,
                after: try await history.installed()
            ),
            ends: try await inspector.endOffsets(of: topic),
            committed: try await inspector.committedOffsets(ofGroup: group, topic: topic)
        )
    }

    private static func consume(_ broker: EmbeddedBroker, _ history: PackageHistory, _ ledger: PackageLedger)
        async throws
    {
        var logger = Logger(label: "demo")
        logger.logLevel = .error
        let consumer = try GroupConsumer(
            GroupConsumerConfig(brokers: broker.brokers, groupID: group, topics: [topic], logger: logger)
        )
        let total = history.events.count
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                try await consumer.consume { message in
                    guard let event = message.value.flatMap({ PackageEvent(value: String($0)) }) else {
                        throw DemoError("not an event: \(message)")
                    }
                    ledger.begin(event)
                    // Stands for writing to a database, which takes about as long.
                    try await Task.sleep(for: .microseconds(200))
                    ledger.end(event)
                }
            }
            let deadline = ContinuousClock.now + timeLimit
            while ledger.summary.handled < total {
                guard ContinuousClock.now < deadline else {
                    throw DemoError("only \(ledger.summary.handled) of \(total) events were handled in \(timeLimit)")
                }
                try await Task.sleep(for: .milliseconds(500))
                print("  \(ledger.summary.handled) of \(total) events handled, \(ledger.inFlight) handlers running")
            }
            // Ends consuming, with the last commit.
            await consumer.close()
            try await tasks.waitForAll()
        }
    }
}
