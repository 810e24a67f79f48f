import Synchronization
public import XKafkaCore
public import XKafkaProduce
import XKafkaTransport

/// Keeps the messages that a producer sends, in Kafka's place, and fails as it is told to.
///
/// ```swift
/// let transport = RecordingTransport()
/// let producer = try Producer(ProducerConfig(brokers: [], defaultTopic: "invoices"), transport: transport)
/// try await producer.produce(ProduceMessage(key: "order-1", value: "paid"))
/// #expect(transport.sent.map(\.value) == ["paid"])
/// ```
///
/// Everything else of the producer stays as it is: order, lanes, handlers, retries, with pauses in real time. A
/// chain of handlers alone ends in it by `composeProduce(handlers, transport.send)`.
public final class RecordingTransport: ProduceTransport {
    private struct Failure {
        let error: any Error
        var times: Int
        let matches: @Sendable (ProduceMessage) -> Bool
    }

    private struct State {
        var sent: [ProduceMessage] = []
        var attempts: [ProduceMessage] = []
        var ends: [TopicPartition: Int64] = [:]
        var failures: [Failure] = []
    }

    private let state = Mutex(State())

    /// A transport that takes everything.
    public init() {}

    /// The messages that were acknowledged, in order, each with its topic.
    public var sent: [ProduceMessage] { state.withLock { $0.sent } }

    /// The messages that somebody tried to send, in order: those in ``sent``, and those that failed.
    public var attempts: [ProduceMessage] { state.withLock { $0.attempts } }

    /// Lets the next messages fail.
    ///
    /// - Parameters:
    ///   - error: what sending throws. A `PermanentError`, or a `KafkaError` that is not retriable, is not tried
    ///     again by a producer.
    ///   - times: how many of them fail. Default 1.
    ///   - matches: which messages it is about. Default: all.
    public func fail(
        with error: any Error,
        times: Int = 1,
        where matches: @escaping @Sendable (ProduceMessage) -> Bool = { _ in true }
    ) {
        guard times > 0 else { return }
        state.withLock { $0.failures.append(Failure(error: error, times: times, matches: matches)) }
    }

    /// Lets the next messages fail as if Kafka had answered `code`.
    ///
    /// - Parameters:
    ///   - code: the code. Whether it is tried again is decided as for a real one.
    ///   - times: how many of them fail. Default 1.
    ///   - matches: which messages it is about. Default: all.
    public func fail(
        with code: KafkaError.Code,
        times: Int = 1,
        where matches: @escaping @Sendable (ProduceMessage) -> Bool = { _ in true }
    ) {
        let error = KafkaError(
            code: code,
            name: code.name,
            text: "as the test wants it",
            errorClass: code.errorClass,
            operation: "produce"
        )
        fail(with: error, times: times, where: matches)
    }

    /// Keeps a message, or fails.
    ///
    /// - Returns: a place in the message's partition, or in partition 0; offsets count from 0 in each.
    public func send(_ message: ProduceMessage) async throws -> ProduceResult {
        try state.withLock { state in
            state.attempts.append(message)
            if let index = state.failures.firstIndex(where: { $0.matches(message) }) {
                let error = state.failures[index].error
                state.failures[index].times -= 1
                if state.failures[index].times == 0 { state.failures.remove(at: index) }
                throw error
            }
            let place = TopicPartition(topic: message.topic ?? "", partition: message.partition ?? 0)
            let offset = state.ends[place, default: 0]
            state.ends[place] = offset + 1
            state.sent.append(message)
            return ProduceResult(
                topic: place.topic,
                partition: place.partition,
                offset: offset,
                timestamp: message.timestamp.map { MessageTimestamp(millisecondsSinceEpoch: $0) }
            )
        }
    }

    /// Keeps a message that came through a chain of handlers: `composeProduce(handlers, transport.send)`.
    public func send(_ message: ProduceContext) async throws -> ProduceResult {
        var sent = message.message
        sent.topic = message.topic
        return try await send(sent)
    }
}
