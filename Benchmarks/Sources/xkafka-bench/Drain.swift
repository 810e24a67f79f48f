import ArgumentParser
import RawClient
import XKafka

/// Reads a topic once or several times with a handler that does nothing.
struct Drain: AsyncParsableCommand {
    enum Side: String, ExpressibleByArgument {
        case rawBatch = "raw-batch"
        case rawPoll = "raw-poll"
        case xkafka
    }

    static let configuration = CommandConfiguration(abstract: "One side of a drain; prints what it measured as JSON.")

    @Argument var side: Side
    @Option var brokers: String
    @Option var topic: String
    @Option(help: "How many messages the topic holds.") var messages: Int64
    @Option(help: "How often it is read, each time by a new group.") var passes = 1
    @Option var shards = ProcessingConfig.defaultShardCount
    @Option var queueSize = ProcessingConfig.defaultShardQueueSize
    @Option var byteBudget = ProcessingConfig.defaultByteBudget
    @Option var handlers = ProcessingConfig.defaultMaxConcurrentHandlers
    @Option(help: "How many handlers that do nothing each message passes.") var middlewares = 0
    @OptionGroup var counting: Counting

    func run() async throws {
        counting.prepare()
        var sum: Measurement?
        for _ in 0..<passes {
            let pass =
                switch side {
                case .rawBatch: try raw(RAW_READING_BATCH)
                case .rawPoll: try raw(RAW_READING_POLL)
                case .xkafka: try await library()
                }
            sum = sum.map { $0 + pass } ?? pass
        }
        try sum?.report()
    }

    private func raw(_ reading: raw_reading) throws -> Measurement {
        var result = raw_result()
        let error = raw_drain(brokers, topic, Clients.newGroup(), messages, reading, &result)
        guard error == 0 else { throw ValidationError("raw drain failed: \(error)") }
        return Measurement(result)
    }

    private func library() async throws -> Measurement {
        var config = Clients.consumer(brokers, topic)
        config.processing.shardCount = shards
        config.processing.shardQueueSize = queueSize
        config.processing.maxConcurrentHandlers = handlers
        config.processing.byteBudget = byteBudget
        for _ in 0..<middlewares {
            config.handlers.append(ConsumeMiddleware { message, next in try await next(message) })
        }
        let consumer = try GroupConsumer(config)
        let counter = MessageCounter(limit: messages)
        let consuming = Task { try await consumer.consume { _ in counter.count() } }
        let measurement = await counter.end.value
        await consumer.close()
        _ = try await consuming.value
        return measurement
    }
}
