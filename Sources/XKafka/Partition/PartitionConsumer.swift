public import XKafkaConsume
public import XKafkaCore

/// Reads one partition of a topic, or several, without a group, from where an ``OffsetStore`` says it left
/// off, and calls one async function for each message.
///
/// Messages with the same key are handled one after the other, in order; messages with different
/// keys at the same time. What was completed is saved to the store, and only that.
///
/// ```swift
/// let consumer = try PartitionConsumer(
///     PartitionConsumerConfig(brokers: ["127.0.0.1:9092"], topic: "orders", partition: 3)
/// )
/// try await consumer.consume { message in
///     print(message.offset)
/// }
/// ```
public final class PartitionConsumer: Sendable {
    /// What this consumer was made with.
    public let config: PartitionConsumerConfig

    private let session = ConsumerSession()
    private let metrics: ConsumerMetrics?

    /// A consumer that has not started. Connects to nothing.
    ///
    /// - Throws: `ConfigurationError` with everything that is wrong with `config`.
    public init(_ config: PartitionConsumerConfig) throws(ConfigurationError) {
        try config.validate()
        self.config = config
        metrics = config.metrics.map { ConsumerMetrics($0, group: nil) }
    }

    /// Handles messages, from the stored offset on, until the calling task is cancelled, the `ServiceGroup` it
    /// belongs to shuts down, ``close()`` is called, ``PartitionConsumerConfig/end`` is reached, or something ends it.
    ///
    /// Ending takes its time: no further handler starts, those that run may end until the drain
    /// deadline, and how far the partition was completed is saved.
    ///
    /// - Parameter handler: what to do with a message; see ``GroupConsumer/consume(_:)``.
    /// - Returns: what became of the messages, after a normal end.
    /// - Throws: ``/XKafkaConsume/ConsumerError`` when the consumer is closed or consuming already, when the store
    ///   cannot be read, or cannot be written for too long, when the broker does not hold the offset to
    ///   go on at and the policy is to fail, or when the policy is ``/XKafkaConsume/ExhaustedPolicy/stop`` and a message
    ///   failed too often; `KafkaError` for errors that do not pass by themselves, such as a wrong password.
    @discardableResult
    public func consume(
        _ handler: @escaping @Sendable (ConsumeContext) async throws -> Void
    ) async throws -> DrainReport {
        try await consume(savingTo: config.offsetStore, handler)
    }

    /// Consumes with another store in the place of the configuration's.
    package func consume(
        savingTo store: any OffsetStore,
        _ handler: @escaping @Sendable (ConsumeContext) async throws -> Void
    ) async throws -> DrainReport {
        var config = config
        config.offsetStore = store
        let plan = ConsumePlan(
            config.processing,
            logger: config.logger,
            group: nil,
            deadLetters: config.deadLetterPublisher(),
            metrics: metrics,
            handler: composeConsume(config.handlers.named(group: nil, clientID: config.clientID), handler)
        )
        return try await session.consume(plan) { [config] in
            (config.properties(), .partitions(try await config.reading()))
        }
    }

    /// Ends ``consume(_:)`` and waits until it has; afterwards the consumer cannot be used again.
    ///
    /// Called from within a handler, it starts the end and returns at once, and that handler's
    /// message counts. May be called any number of times.
    public func close() async {
        await session.close()
    }

    /// Stops taking messages: those in hand are handled, and nothing new is started after them. Lasts until
    /// ``resume()``, over the end of `consume` too.
    public func pause() {
        session.intake.set(paused: true)
    }

    /// Takes messages again after ``pause()``.
    public func resume() {
        session.intake.set(paused: false)
    }

    /// Whether ``pause()`` is in force.
    public var isPaused: Bool { session.intake.isPaused }

    /// How this consumer is doing: healthy, degraded or stalled, with the reasons.
    ///
    /// For a readiness endpoint: reads what the consumer thread noted when it last looked, at most about a second ago,
    /// and waits for nothing. ``ProcessingConfig/health`` says from when on a trouble counts. A consumer whose
    /// `consume` is not running is stalled.
    public var health: ConsumerHealth { session.health }

    /// What is in hand just now: partitions, their frontiers and lags, the workers' queues.
    ///
    /// The consumer thread answers between two turns, without waiting for any handler. Cheap enough for once a second.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func snapshot() async throws -> ConsumerSnapshot {
        try await session.snapshot()
    }

    /// What keeps a partition from being committed further: which message, and what that waits for.
    ///
    /// Answered like ``snapshot()``, at the same price.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    public func why(_ topic: String, _ partition: Int32) async throws -> FrontierHold {
        try await session.hold(of: TopicPartition(topic: topic, partition: partition))
    }
}

extension PartitionConsumer: CustomStringConvertible {
    /// `partition-consumer(topic:partition)`; several partitions are separated by commas.
    public var description: String {
        "partition-consumer(\(config.topic):\(config.partitions.map(String.init).joined(separator: ",")))"
    }
}
