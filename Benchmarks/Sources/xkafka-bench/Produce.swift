import ArgumentParser
import RawClient
import XKafka

/// Sends messages and waits until the brokers have them.
struct Produce: AsyncParsableCommand {
    enum Side: String, ExpressibleByArgument {
        case raw
        /// The raw loop, which waits after each 1,000 messages.
        case rawBatch = "raw-batch"
        /// `produceAsync`, whose futures are awaited.
        case async
        /// `produceAsync` with a function that is told.
        case told
        /// `produceBatchReport` of 1,000 messages, one after the other.
        case batch
        /// The same from 64 tasks.
        case batches
        /// 64 tasks, each of which awaits one message after the other.
        case callers
        /// The raw loop that keeps 64 messages under way.
        case rawCallers = "raw-callers"
    }

    static let configuration = CommandConfiguration(abstract: "One side of producing; prints what it measured as JSON.")

    @Argument var side: Side
    @Option var brokers: String
    @Option var topic: String
    @Option var messages: Int64 = 500_000
    @Option var size = 100
    @Option var keys = 1_000
    @Option var linger = 5
    @Option(help: "serial, keySharded or parallel") var mode = "keySharded"
    @Option(help: "How many handlers that do nothing each message passes.") var middlewares = 0
    @Option(help: "How many messages may be under way.") var inFlight = ProducerConfig.defaultMaxInFlightMessages
    @Option(help: "How many requests callers have in flight.") var requests = 1
    @OptionGroup var counting: Counting

    func run() async throws {
        counting.prepare()
        switch side {
        case .raw: try raw(batch: 0)
        case .rawBatch: try raw(batch: 1_000)
        case .rawCallers:
            var result = raw_result()
            let error = raw_callers(
                brokers,
                topic,
                messages,
                Int32(size),
                Int32(keys),
                64,
                "\(requests)",
                &result
            )
            guard error == 0 else { throw ValidationError("raw callers failed: \(error)") }
            try Measurement(result).report()
        default: try await library().report()
        }
    }

    private func raw(batch: Int64) throws {
        var result = raw_result()
        let error = raw_produce(brokers, topic, messages, Int32(size), Int32(keys), batch, "\(linger)", &result)
        guard error == 0 else { throw ValidationError("raw produce failed: \(error)") }
        try Measurement(result).report()
    }

    private func library() async throws -> Measurement {
        var config = Clients.producer(brokers, topic, linger: .milliseconds(linger))
        config.maxInFlightMessages = inFlight
        if side == .callers { config.maxInFlightRequests = requests }
        config.dispatch.mode =
            switch mode {
            case "serial": .serial
            case "parallel": .parallel
            default: .keySharded
            }
        for _ in 0..<middlewares {
            config.handlers.append(ProduceMiddleware { message, next in try await next(message) })
        }
        let producer = try Producer(config)
        let value = MessageBytes(repeatElement(UInt8(ascii: "x"), count: size))
        let keyBytes = (0..<keys).map { MessageBytes("key-\($0)") }
        let message: @Sendable (Int64) -> ProduceMessage = { number in
            ProduceMessage(key: keyBytes[Int(number % Int64(keyBytes.count))], value: value)
        }
        // Finds the brokers.
        try await producer.produce(message(0))
        let stopwatch = Stopwatch()
        switch side {
        case .raw, .rawBatch, .rawCallers: break
        case .async: try await sendAsync(producer, message)
        case .told:
            for number in 0..<messages { try await producer.produceAsync(message(number)) { _ in } }
            try await producer.flush(deadline: .seconds(60))
        case .batch: try await sendBatches(producer, Int(messages / 1_000), message)
        case .batches: try await inTasks { try await sendBatches(producer, Int(messages / 1_000 / 64), message) }
        case .callers:
            try await inTasks {
                for number in 0..<messages / 64 { try await producer.produce(message(number)) }
            }
        }
        let measurement = stopwatch.measurement(messages: messages)
        await producer.close()
        return measurement
    }

    private func sendAsync(_ producer: Producer, _ message: @Sendable (Int64) -> ProduceMessage) async throws {
        // Awaits each thousand when twenty times as many more are under way: several times what is sent in 5 ms of lingering.
        var chunks: [[ProduceFuture]] = []
        for start in stride(from: 0, to: messages, by: 1_000) {
            var chunk: [ProduceFuture] = []
            chunk.reserveCapacity(1_000)
            for number in start..<min(start + 1_000, messages) {
                chunk.append(try await producer.produceAsync(message(number)))
            }
            chunks.append(chunk)
            if chunks.count > 20 { for future in chunks.removeFirst() { _ = try await future.value } }
        }
        for future in chunks.joined() { _ = try await future.value }
    }

    private func sendBatches(
        _ producer: Producer,
        _ count: Int,
        _ message: @Sendable (Int64) -> ProduceMessage
    ) async throws {
        for _ in 0..<count {
            for outcome in try await producer.produceBatchReport((0..<1_000).map(message)) { _ = try outcome.get() }
        }
    }

    private func inTasks(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            for _ in 0..<64 { group.addTask { try await body() } }
            try await group.waitForAll()
        }
    }
}
