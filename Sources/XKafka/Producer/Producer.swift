public import XKafkaCore
public import XKafkaProduce

/// Sends messages, and tells what became of each.
///
/// ```swift
/// let producer = try Producer(ProducerConfig(brokers: ["127.0.0.1:9092"], defaultTopic: "orders"))
/// let result = try await producer.produce(ProduceMessage(key: "order-1", value: "paid"))
/// print(result.partition, result.offset ?? -1)
/// await producer.close()
/// ```
///
/// Messages that one task produces one after the other keep the order that ``ProducerDispatchConfig/Mode``
/// promises, whatever has to be repeated in between, and without waiting for each other.
///
/// One producer serves any number of owners and tasks; whoever made it closes it.
public final class Producer: Sendable {
    /// What this producer was made with.
    public let config: ProducerConfig

    let runtime: ProducerRuntime

    /// A producer that has not connected yet: the first message does that.
    ///
    /// - Throws: `ConfigurationError` with everything that is wrong with `config`.
    public init(_ config: ProducerConfig) throws(ConfigurationError) {
        try config.validate()
        self.config = config
        runtime = ProducerRuntime(config, transport: nil)
    }

    /// A producer that sends through `transport` instead of to Kafka, for tests. Needs no brokers.
    ///
    /// - Throws: `ConfigurationError` with everything that is wrong with `config`.
    public init(_ config: ProducerConfig, transport: any ProduceTransport) throws(ConfigurationError) {
        try config.validate(needsBrokers: false)
        self.config = config
        runtime = ProducerRuntime(config, transport: transport)
    }

    deinit {
        // Forgotten without `close()`: what is under way still goes out.
        let runtime = runtime
        let limit = config.closeDeadline
        Task { await runtime.close(within: limit) }
    }

    /// How this producer is doing: healthy, degraded or stalled, with the reasons.
    ///
    /// For a readiness endpoint: waits for nothing. ``ProducerConfig/health`` says from when on a trouble counts. How
    /// long messages have been under way, or callers have waited, is counted from the first look at it: ask every few
    /// seconds.
    public var health: ProducerHealth {
        let now = ContinuousClock.now
        return runtime.vitals(at: now).health(config.health, at: now)
    }

    /// How many messages are on their way.
    package var messagesInFlight: Int { runtime.gate.messagesInside }

    /// Whether callers wait for room.
    package var isAwaited: Bool { runtime.gate.isAwaited }

    /// How many bytes are on their way.
    package var bytesInFlight: Int { runtime.gate.bytesInside }

    // MARK: One message

    /// Sends a message and waits until the brokers have it.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - deadline: until when it may wait for room or for its turn, and may be tried again. An attempt that is
    ///     under way then goes on; its outcome is not waited for. Default `nil`: no deadline.
    /// - Returns: where the message went.
    /// - Throws: ``/XKafkaProduce/ProducerError`` when the producer is closed, the message has no topic, its
    ///   deadline passed, its retries are used up, or the task was cancelled while the message was under way
    ///   (`outcomeUnknown`: it may still go out); `CancellationError` when the task was cancelled before; the
    ///   error of a handler; `KafkaError` when the message could not be delivered and trying again is of no
    ///   use, or when the producer met a fatal error and can send nothing more.
    @discardableResult
    public func produce(
        _ message: ProduceMessage,
        deadline: ContinuousClock.Instant? = nil
    ) async throws -> ProduceResult {
        let outgoing = try await submit(message, deadline)
        do {
            guard let deadline else { return try await outgoing.wait().get() }
            if try await finishes(by: deadline, { _ = try await outgoing.wait() }) {
                if let known = outgoing.outcome { return try known.get() }
            }
            try Task.checkCancellation()
        } catch is CancellationError where Task.isCancelled {
            // Known in the same moment, perhaps.
        }
        if let known = outgoing.outcome { return try known.get() }
        throw ProducerError(.outcomeUnknown)
    }

    /// Sends a message without waiting until the brokers have it.
    ///
    /// Returns when the message is on its way, which can take until earlier ones are delivered: see
    /// ``ProducerConfig/maxInFlightMessages``, ``ProducerConfig/maxInFlightBytes`` and
    /// ``ProducerDispatchConfig/queueSize``.
    ///
    /// - Returns: a future with what becomes of the message.
    /// - Throws: as ``produce(_:deadline:)`` does for messages that were not taken: the producer is closed or
    ///   met a fatal error, there is no topic, the deadline passed or the task was cancelled while waiting for room.
    @discardableResult
    @inlinable
    public func produceAsync(
        _ message: ProduceMessage,
        deadline: ContinuousClock.Instant? = nil
    ) async throws -> ProduceFuture {
        // Inlined, as most often there is room, and an asynchronous call would take a tenth of all that a message does.
        if case .none = deadline, let future = try futureAtOnce(message) { return future }
        return try await futureLater(message, deadline)
    }

    /// `nil` when there would be something to wait for.
    @usableFromInline func futureAtOnce(_ message: ProduceMessage) throws -> ProduceFuture? {
        try runtime.submitAtOnce(message).map { ProduceFuture($0) }
    }

    @usableFromInline func futureLater(
        _ message: ProduceMessage,
        _ deadline: ContinuousClock.Instant?
    ) async throws -> ProduceFuture {
        ProduceFuture(try await runtime.submit(message, deadline: deadline))
    }

    /// Sends a message and has somebody else told what becomes of it: fire and forget, with an ending.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - deadline: as for ``produce(_:deadline:)``.
    ///   - onCompletion: called once, most often on the thread that serves all delivery reports: it has to
    ///     return at once.
    /// - Throws: as ``produceAsync(_:deadline:)``; `onCompletion` is not called then.
    @inlinable
    public func produceAsync(
        _ message: ProduceMessage,
        deadline: ContinuousClock.Instant? = nil,
        onCompletion: @escaping @Sendable (Result<ProduceResult, any Error>) -> Void
    ) async throws {
        try await produceAsync(message, deadline: deadline).onCompletion(onCompletion)
    }

    /// Hands a message in, and waits for room if it must.
    @inline(__always)
    func submit(
        _ message: ProduceMessage,
        _ deadline: ContinuousClock.Instant?,
        batch: BatchCountdown? = nil
    ) async throws -> Outgoing {
        // Most often there is room: then nothing is suspended, and no asynchronous function called.
        // (A pattern and not `==`, for which the deadline would be copied.)
        if case .none = deadline, let outgoing = try runtime.submitAtOnce(message, batch: batch) { return outgoing }
        return try await runtime.submit(message, deadline: deadline, batch: batch)
    }

    // MARK: End

    /// Waits until every message that is on its way by now was delivered or failed. Does not wait for messages
    /// that share their requests with later ones: they are sent at once.
    ///
    /// - Parameter limit: how long to wait at most. Default ``ProducerConfig/closeDeadline``.
    /// - Throws: ``/XKafkaProduce/ProducerError`` with `deadlineExceeded` when some are still under way then;
    ///   they go on. `CancellationError` when the task is cancelled.
    public func flush(deadline limit: Duration? = nil) async throws {
        let deadline = ContinuousClock.now + (limit ?? config.closeDeadline)
        guard try await runtime.flush(until: deadline) else { throw ProducerError(.deadlineExceeded) }
    }

    /// Takes no more messages, waits until those on their way were delivered or failed, and fails what is left
    /// at the deadline with ``/XKafkaProduce/ProducerError/Code/closed``. Afterwards every call throws that.
    ///
    /// Handlers that are still busy at the deadline are cancelled, and given up a second later. May be called
    /// any number of times, by anybody: the first caller's deadline counts, and all wait for the end.
    ///
    /// - Parameter limit: how long to wait at most. Default ``ProducerConfig/closeDeadline``.
    public func close(deadline limit: Duration? = nil) async {
        await runtime.close(within: limit ?? config.closeDeadline)
    }
}
