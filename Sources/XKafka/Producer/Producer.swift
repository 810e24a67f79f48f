import Logging
import Synchronization
public import XKafkaCore
public import XKafkaProduce
import XKafkaTransport

/// Sends messages, and tells what became of each.
///
/// ```swift
/// let producer = try Producer(ProducerConfig(brokers: ["127.0.0.1:9092"], defaultTopic: "orders"))
/// let result = try await producer.produce(ProduceMessage(key: "order-1", value: "paid"))
/// print(result.partition, result.offset ?? -1)
/// await producer.close()
/// ```
///
/// Messages that one task sends one after the other are in the log in that order, partition by
/// partition, whatever librdkafka has to repeat in between.
public final class Producer: Sendable {
    /// What this producer was made with.
    public let config: ProducerConfig

    private enum State {
        /// Nothing was sent yet, hence nothing is connected.
        case idle
        case open(ProducerClient)
        case closed(ProducerClient?)
    }

    private let state = Mutex(State.idle)
    private let gate: CreditGate

    /// A producer that has not connected yet: the first message does that.
    ///
    /// - Throws: `ConfigurationError` with everything that is wrong with `config`.
    public init(_ config: ProducerConfig) throws(ConfigurationError) {
        try config.validate()
        self.config = config
        gate = CreditGate(messages: config.maxInFlightMessages, bytes: config.maxInFlightBytes)
    }

    deinit {
        // Forgotten without `close()`: what is under way still goes out, then the thread ends.
        if case .open(let client) = state.withLock({ $0 }) { client.stop() }
    }

    /// How many messages are on their way.
    package var messagesInFlight: Int { gate.messagesInside }

    // MARK: Sending

    /// Sends a message and waits until the brokers have it.
    ///
    /// - Returns: where the message went.
    /// - Throws: ``ProducerError`` when the producer is closed, the message has no topic, or the task
    ///   was cancelled while the message was under way; `CancellationError` when it was cancelled
    ///   before; `KafkaError` when the message could not be delivered, whose `errorClass` tells whether
    ///   trying again may help.
    @discardableResult
    public func produce(_ message: ProduceMessage) async throws -> ProduceResult {
        let future = try await produceAsync(message)
        return try await result(of: future)
    }

    /// Sends messages, in order and without waiting for one before sending the next, and waits until
    /// the brokers have them all.
    ///
    /// - Returns: where the messages went, in their order.
    /// - Throws: ``ProducerError`` with ``ProducerError/Code/batchFailed`` for the first message, by
    ///   its place, that failed. Its cause is one of the errors of ``produce(_:)``.
    @discardableResult
    public func produceBatch(_ messages: some Sequence<ProduceMessage>) async throws -> [ProduceResult] {
        var futures: [ProduceFuture] = []
        var refusal: (any Error)?
        for message in messages {
            do {
                futures.append(try await produceAsync(message))
            } catch {
                refusal = error
                break
            }
        }
        var results: [ProduceResult] = []
        for future in futures {
            do {
                results.append(try await result(of: future))
            } catch {
                throw ProducerError(.batchFailed, cause: error, batchIndex: results.count, batchResults: results)
            }
        }
        if let refusal {
            throw ProducerError(.batchFailed, cause: refusal, batchIndex: results.count, batchResults: results)
        }
        return results
    }

    /// Sends a message without waiting until the brokers have it.
    ///
    /// Returns when the message is in librdkafka's queue, which can take until earlier ones are
    /// delivered: no more are on their way than ``ProducerConfig/maxInFlightMessages`` and
    /// ``ProducerConfig/maxInFlightBytes`` allow.
    ///
    /// - Returns: a future with what becomes of the message.
    /// - Throws: as ``produce(_:)`` does for messages that were not sent.
    @discardableResult
    public func produceAsync(_ message: ProduceMessage) async throws -> ProduceFuture {
        guard let topic = message.topic ?? config.defaultTopic, !topic.isBlank else {
            throw ProducerError(.topicRequired)
        }
        let bytes = message.byteCount
        try await gate.enter(bytes: bytes)
        let delivery = Delivery(topic: topic, bytes: bytes, gate: gate)
        do {
            try client().send(
                .init(
                    topic: topic,
                    partition: message.partition,
                    key: message.key,
                    value: message.value,
                    headers: message.headers,
                    timestamp: message.timestamp
                ),
                receiver: delivery
            )
        } catch {
            // Closed between the two: what the transport says then is of no use to the caller.
            let error: any Error = isClosed ? ProducerError(.closed) : error
            delivery.end(.failure(error))
            throw error
        }
        return delivery.future
    }

    private func result(of future: ProduceFuture) async throws -> ProduceResult {
        do {
            return try await future.value
        } catch is CancellationError {
            // It may have been delivered in the same moment.
            if let known = future.current { return try known.get() }
            throw ProducerError(.outcomeUnknown)
        }
    }

    // MARK: End

    /// Waits until every message that is on its way was delivered or failed, at most
    /// ``ProducerConfig/closeDeadline``, and fails what is left. Afterwards nothing can be sent.
    ///
    /// May be called any number of times.
    public func close() async {
        gate.close(throwing: ProducerError(.closed))
        let client = state.withLock { state -> ProducerClient? in
            let client: ProducerClient? =
                switch state {
                case .idle: nil
                case .open(let client): client
                case .closed(let client): client
                }
            state = .closed(client)
            return client
        }
        guard let client else { return }
        client.stop(purgingAt: .now + config.closeDeadline)
        await client.waitUntilStopped()
    }

    private var isClosed: Bool {
        state.withLock { if case .closed = $0 { true } else { false } }
    }

    private func client() throws -> ProducerClient {
        try state.withLock { state in
            switch state {
            case .open(let client): return client
            case .closed: throw ProducerError(.closed)
            case .idle:
                // Starts threads, waits for nothing.
                let logger = config.logger
                let client = try ProducerClient(config.properties()) { event in
                    switch event {
                    case .error(let error):
                        logger.warning("xkafka producer error", metadata: ["error": "\(error)"])
                    case .log(let line): logger.log(line)
                    }
                }
                state = .open(client)
                return client
            }
        }
    }
}

extension ProduceMessage {
    /// What the message counts in the bound on bytes in flight.
    fileprivate var byteCount: Int {
        headers.reduce((key?.count ?? 0) + (value?.count ?? 0)) { $0 + $1.nameBytes.count + ($1.value?.count ?? 0) }
    }
}
