import XKafkaCore
public import XKafkaProduce

/// A message on its way: what became of it, now or later.
///
/// Any number of tasks may wait. A future that nobody waits for does no harm.
public struct ProduceFuture: Sendable {
    private let outgoing: Outgoing

    init(_ outgoing: Outgoing) {
        self.outgoing = outgoing
    }

    /// Where the message went, once the broker acknowledged it.
    ///
    /// - Throws: what the message failed with, as ``Producer/produce(_:deadline:)`` throws it;
    ///   `CancellationError` when the waiting task is cancelled, which ends the waiting and nothing else.
    @inlinable
    public var value: ProduceResult {
        get async throws {
            // Inlined, as an outcome that is known needs no asynchronous call.
            if let current { return try current.get() }
            return try await later()
        }
    }

    @usableFromInline func later() async throws -> ProduceResult {
        try await outgoing.wait().get()
    }

    /// The outcome, if it is known.
    public var current: Result<ProduceResult, any Error>? { outgoing.outcome }

    /// Has `body` called with the outcome, without anybody waiting: at once if it is known, otherwise on
    /// whichever thread gets to know it first. That is most often the one that serves all delivery reports,
    /// so `body` has to return at once.
    public func onCompletion(_ body: @escaping @Sendable (Result<ProduceResult, any Error>) -> Void) {
        outgoing.whenEnded(body)
    }
}
