public import ServiceLifecycle
public import XKafkaConsume

/// A consumer and its handler, as a service of a `ServiceGroup`. ``GroupConsumer/service(_:)`` and
/// ``PartitionConsumer/service(_:)`` make one.
///
/// ```swift
/// let consumer = try GroupConsumer(config).service { message in try await handle(message) }
/// let group = ServiceGroup(services: [producer, consumer], gracefulShutdownSignals: [.sigterm], logger: logger)
/// try await group.run()
/// ```
///
/// A graceful shutdown stops the consumer as ``GroupConsumer/close()`` does: no further handler starts, those that run
/// may end until ``ProcessingConfig/drainDeadline``, what was completed is committed, and the group is left. A group
/// ends its services in the reverse of their order: name what the handler needs, such as a ``Producer``, before the
/// consumer, and it is there until the last handler has ended.
///
/// A partition consumer that reads up to an end ends by itself. Give it the `successTerminationBehavior` that suits,
/// since a `ServiceGroup` otherwise takes the end of a service for a failure.
public struct ConsumerService: Service, CustomStringConvertible {
    /// The consumer's description, by which a `ServiceGroup` names it in its log.
    public let description: String

    private let consume: @Sendable () async throws -> Void

    init(_ description: String, _ consume: @escaping @Sendable () async throws -> Void) {
        self.description = description
        self.consume = consume
    }

    /// Consumes until the group shuts down or cancels, the consumer is closed, or something ends it; throws what
    /// `consume` throws.
    public func run() async throws {
        try await consume()
    }
}

extension GroupConsumer {
    /// This consumer with a handler, as a service of a `ServiceGroup`.
    ///
    /// - Parameter handler: as for ``consume(_:)``.
    public func service(
        _ handler: @escaping @Sendable (ConsumeContext) async throws -> Void
    ) -> ConsumerService {
        ConsumerService(description) { try await self.consume(handler) }
    }
}

extension PartitionConsumer {
    /// This consumer with a handler, as a service of a `ServiceGroup`.
    ///
    /// - Parameter handler: as for ``consume(_:)``.
    public func service(
        _ handler: @escaping @Sendable (ConsumeContext) async throws -> Void
    ) -> ConsumerService {
        ConsumerService(description) { try await self.consume(handler) }
    }
}
