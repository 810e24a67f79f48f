import ArgumentParser
import Foundation
import Logging
import RawClient
import XKafka
import XKafkaTesting

/// How long a member whose handlers are idle keeps its partitions when the group wants them back, beside a loop in C that
/// commits and gives them back.
struct Rebalance: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "From the group's wish to have partitions back to their being given back."
    )

    @Option(help: "How many rebalances; each takes the embedded broker some seconds.") var times = 5
    @Option var partitions = 12
    @Option(help: "How many messages are handled before each.") var messages = 1_200

    /// How much longer than the loop in C it may take, in milliseconds.
    private static let target = 50.0

    func run() async throws {
        // In this process: the faults that make the group rebalance are injected here.
        let broker = try EmbeddedBroker.start(topics: ["rebalance": partitions])
        defer { broker.stop() }
        report(own: try await library(broker), baseline: try raw(broker))
    }

    private func raw(_ broker: EmbeddedBroker) throws -> [Double] {
        var seconds = [Double](repeating: 0, count: times)
        let error = raw_rebalance(
            broker.bootstrapServers,
            "rebalance",
            Clients.newGroup(),
            Int32(times),
            { argument in
                guard let argument else { return }
                Rebalance.ask(Unmanaged<EmbeddedBroker>.fromOpaque(argument).takeUnretainedValue())
            },
            Unmanaged.passUnretained(broker).toOpaque(),
            &seconds
        )
        guard error == 0 else { throw ValidationError("raw rebalance failed: \(error)") }
        return seconds.map { $0 * 1_000 }
    }

    /// Has the group rebalance. Should that fail, nothing ever comes of it, so it ends everything.
    private static func ask(_ broker: EmbeddedBroker) {
        do {
            try broker.inject(.fail(.heartbeat, with: .rebalanceInProgress))
        } catch {
            Rebalance.exit(withError: error)
        }
    }

    private func library(_ broker: EmbeddedBroker) async throws -> [Double] {
        let producer = try Producer(
            ProducerConfig(brokers: broker.brokers, defaultTopic: "rebalance", logger: Clients.logger)
        )
        let (events, continuation) = AsyncStream.makeStream(of: Event.self)
        let consumer = try GroupConsumer(config(broker, continuation))
        let consuming = Task { try await consumer.consume { _ in continuation.yield(.handled) } }

        var milliseconds: [Double] = []
        var iterator = events.makeAsyncIterator()
        for _ in 0..<times {
            try await producer.produceBatch(
                (0..<messages).map { ProduceMessage(key: MessageBytes("key-\($0)"), value: "value") }
            )
            var handled = 0
            while handled < messages, let event = await iterator.next() {
                if case .handled = event { handled += 1 }
            }
            Self.ask(broker)
            var drained: (end: ContinuousClock.Instant, duration: Duration)?
            waiting: while let event = await iterator.next() {
                switch event {
                case .handled: break
                case .drained(let end, let duration): drained = (end, duration)
                case .givenBack(let end):
                    guard let drained else { continue }
                    milliseconds.append((drained.duration + drained.end.duration(to: end)) / .milliseconds(1))
                    break waiting
                }
            }
        }
        await consumer.close()
        _ = try await consuming.value
        await producer.close()
        return milliseconds
    }

    private func report(own: [Double], baseline: [Double]) {
        func two(_ value: Double) -> String { String(format: "%.2f", value) }
        func text(_ times: [Double]) -> String {
            "\(two(times.median)) ms (\(two(times.min() ?? 0)) to \(two(times.max() ?? 0)))"
        }
        let isMet = own.median - baseline.median <= Self.target
        print(
            """
            rebalance: from revoke to given back, \(partitions) partitions, idle handlers, one commit, \(times) times: \
            \(text(own)), raw \(text(baseline)); \
            at most \(two(Self.target)) ms beyond raw: \(isMet ? "met" : "not met")
            """
        )
    }

    private enum Event: Sendable {
        case handled
        /// Nothing is in hand any more, and the last commit was acknowledged; that took `duration`.
        case drained(ContinuousClock.Instant, Duration)
        case givenBack(ContinuousClock.Instant)
    }

    private func config(
        _ broker: EmbeddedBroker,
        _ events: AsyncStream<Event>.Continuation
    ) -> GroupConsumerConfig {
        var config = GroupConsumerConfig(
            brokers: broker.brokers,
            groupID: Clients.newGroup(),
            topics: ["rebalance"],
            // That partitions were given back is told by a log line alone.
            logger: Logger(label: "rebalance") { _ in
                LineWatch(line: "xkafka partitions given back") { events.yield(.givenBack(.now)) }
            }
        )
        // The embedded broker's rebalances take the session timeout less a second.
        config.sessionTimeout = .seconds(4)
        config.heartbeatInterval = .milliseconds(300)
        config.processing.logsMessages = false
        // No commit of its own accord, so that there is something left for the last one.
        config.processing.commitInterval = .seconds(60)
        config.onRevoked = { _, report in events.yield(.drained(.now, report.duration)) }
        return config
    }
}

/// Waits for a line.
private struct LineWatch: LogHandler {
    let line: Logger.Message
    let onLine: @Sendable () -> Void

    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    init(line: Logger.Message, onLine: @escaping @Sendable () -> Void) {
        self.line = line
        self.onLine = onLine
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        if event.message == line { onLine() }
    }
}
