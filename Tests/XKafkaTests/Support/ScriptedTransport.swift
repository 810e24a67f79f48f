import Synchronization
import XKafka
import XKafkaTestingInternal

/// Answers in Kafka's place, as a script says.
final class ScriptedTransport: ProduceTransport {
    private struct State {
        var begun: [String] = []
        var acknowledged: [String] = []
        var busy = 0
    }

    private let state = Mutex(State())
    private let script: @Sendable (String, Int) async throws -> Void
    /// Told about each value whose sending begins.
    let sends = Collector<String>()

    /// - Parameter script: called with each message's value and how often that was sent before. Throwing
    ///   fails the sending.
    init(_ script: @escaping @Sendable (String, Int) async throws -> Void = { _, _ in }) {
        self.script = script
    }

    /// The values in the order in which they were sent, repetitions included.
    var begun: [String] { state.withLock { $0.begun } }
    /// The values in the order in which they were acknowledged.
    var acknowledged: [String] { state.withLock { $0.acknowledged } }

    func send(_ message: ProduceMessage) async throws -> ProduceResult {
        let value = message.value.map { String($0) } ?? "nil"
        let before = state.withLock { state in
            defer { state.begun.append(value) }
            return state.begun.count { $0 == value }
        }
        sends.add(value)
        try await script(value, before)
        let offset = state.withLock { state in
            state.acknowledged.append(value)
            return Int64(state.acknowledged.count - 1)
        }
        return ProduceResult(topic: message.topic ?? "", partition: 0, offset: offset, timestamp: nil)
    }
}

struct SendFailed: Error, CustomStringConvertible {
    var description: String { "send failed" }
}

extension ProducerConfig {
    /// One for a scripted transport: unless told otherwise, a message that fails is not tried again.
    static func scripted(retries: Int = 0, _ policy: ProducerExhaustedPolicy = .stop) -> ProducerConfig {
        ProducerConfig(
            brokers: [],
            defaultTopic: "orders",
            retry: RetryConfig(maxRetries: retries, initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(5)),
            exhaustedPolicy: policy,
            logger: testLogger
        )
    }
}
