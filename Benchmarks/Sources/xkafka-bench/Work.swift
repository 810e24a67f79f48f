import ArgumentParser
import XKafka

/// Handlers that take their time, beside tasks that take the same time without messages.
struct Work: AsyncParsableCommand {
    enum Side: String, ExpressibleByArgument {
        case xkafka, tasks
    }

    static let configuration = CommandConfiguration(
        abstract: "One side of handlers that sleep or compute; prints what it measured as JSON."
    )

    @Argument var side: Side
    @Option var brokers: String
    @Option var topic: String
    @Option(help: "How many messages are handled.") var messages: Int64
    @Option(help: "How long a handler sleeps, in microseconds.") var sleep = 0
    @Option(help: "How long a handler computes, in microseconds.") var compute = 0
    @Option(help: "How many handlers, or tasks, there may be at once.") var limit = 100
    @Flag(help: "The handlers of one key do not end for five seconds.") var blocksKey = false
    @OptionGroup var counting: Counting

    func run() async throws {
        counting.prepare()
        switch side {
        case .xkafka: try await library().report()
        case .tasks: try await tasks().report()
        }
    }

    /// What a handler does.
    private var work: @Sendable () async throws -> Void {
        let (sleep, compute) = (Duration.microseconds(sleep), Duration.microseconds(compute))
        return {
            if sleep > .zero { try await Task.sleep(for: sleep) }
            if compute > .zero {
                let end = ContinuousClock.now + compute
                while ContinuousClock.now < end {}
            }
        }
    }

    private func library() async throws -> Measurement {
        var config = Clients.consumer(brokers, topic)
        config.processing.maxConcurrentHandlers = limit
        // What is still asleep when the last message was counted.
        config.processing.drainDeadline = .milliseconds(200)
        let consumer = try GroupConsumer(config)
        let counter = MessageCounter(limit: messages)
        let (work, blocksKey) = (work, blocksKey)
        let consuming = Task {
            try await consumer.consume { message in
                counter.begin()
                if blocksKey, message.key == "key-7" {
                    try await Task.sleep(for: .seconds(5))
                } else {
                    try await work()
                    counter.count()
                }
            }
        }
        let measurement = await counter.end.value
        await consumer.close()
        _ = try await consuming.value
        return measurement
    }

    private func tasks() async throws -> Measurement {
        let (work, share) = (work, messages / Int64(limit))
        let stopwatch = Stopwatch()
        try await withThrowingTaskGroup { group in
            for _ in 0..<limit {
                group.addTask { for _ in 0..<share { try await work() } }
            }
            try await group.waitForAll()
        }
        return stopwatch.measurement(messages: share * Int64(limit))
    }
}
