public import ArgumentParser
import Foundation
public import Logging
import UnixSignals
public import XKafka
import XKafkaTesting

/// The options that every example has.
public struct ExampleOptions: ParsableArguments, Sendable {
    /// Whether to start a broker inside the example.
    @Flag(help: "Work on a broker inside this process, with a few messages, instead of XKAFKA_BROKERS.")
    public var embedded = false

    /// The options at their defaults.
    public init() {}
}

/// What an example runs with.
public struct Example: Sendable {
    /// The cluster, the topic and the rest.
    public let environment: ExampleEnvironment
    /// Writes to standard output.
    public let logger: Logger

    /// Runs an example until it ends, `XKAFKA_TIMEOUT` has passed, or it is interrupted.
    ///
    /// What it throws is printed to standard error, and the process ends with status 1.
    ///
    /// - Parameters:
    ///   - suffixes: further topics that a broker of its own has, called like the example's with this behind.
    ///   - messages: further messages that a broker of its own has in the example's topic.
    ///   - untilStopped: whether the time and interruptions are dealt with here, by cancelling `body`.
    public static func run(
        _ options: ExampleOptions,
        topics suffixes: [String] = [],
        messages: [ProduceMessage] = [],
        untilStopped: Bool = true,
        _ body: @escaping @Sendable (Example) async throws -> Void
    ) async {
        do {
            var environment = try ExampleEnvironment(ProcessInfo.processInfo.environment)
            let broker = options.embedded ? try await startBroker(&environment, suffixes, messages) : nil
            defer { broker?.stop() }
            var logger = Logger(label: "example") { StreamLogHandler.standardOutput(label: $0) }
            logger.logLevel = .info
            let example = Example(environment: environment, logger: logger)
            if untilStopped {
                try await Self.untilStopped(environment.timeout) { try await body(example) }
            } else {
                try await body(example)
            }
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            exit(1)
        }
    }

    /// Runs `body`; cancels it when the time is up or the process is told to end, which is a normal end.
    private static func untilStopped(
        _ timeout: Duration,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await body()
                return true
            }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return false
            }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
                return false
            }
            let hasEnded = try await group.next() ?? true
            group.cancelAll()
            guard !hasEnded else { return }
            do {
                // The body still ends by itself: it was only told to.
                while let isBody = try await group.next(), !isBody {}
            } catch is CancellationError {}
        }
    }

    private static func startBroker(
        _ environment: inout ExampleEnvironment,
        _ suffixes: [String],
        _ further: [ProduceMessage]
    ) async throws -> EmbeddedBroker {
        let partitions = max(3, Int(environment.partition) + 1)
        var topics = [environment.topic: partitions]
        for suffix in suffixes { topics[environment.topic + suffix] = partitions }
        let broker = try EmbeddedBroker.start(topics: topics)
        environment.brokers = broker.brokers
        var config = ProducerConfig(brokers: broker.brokers, defaultTopic: environment.topic)
        config.logger.logLevel = .error
        let producer = try Producer(config)
        let orders = (1...6).map {
            ProduceMessage(
                key: "order-\($0 % 3)",
                value: "message \($0)",
                partition: $0 <= 3 ? environment.partition : nil
            )
        }
        try await producer.produceBatch(orders + further)
        await producer.close()
        return broker
    }
}
