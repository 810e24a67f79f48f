import XKafkaCore
public import XKafkaProduce
import XKafkaTransport

/// A message on its way: what became of it, now or later.
///
/// Any number of tasks may wait. A future that nobody waits for does no harm.
public final class ProduceFuture: Sendable {
    private let outcome = OneShot<Result<ProduceResult, any Error>>()

    init() {}

    /// Where the message went, once the broker acknowledged it.
    ///
    /// - Throws: the `KafkaError` that the message failed with; `CancellationError` when the waiting
    ///   task is cancelled, which ends the waiting and nothing else.
    public var value: ProduceResult {
        get async throws { try await outcome.wait().get() }
    }

    /// The outcome, if it is known.
    public var current: Result<ProduceResult, any Error>? { outcome.current }

    func resolve(_ result: Result<ProduceResult, any Error>) {
        outcome.resolve(result)
    }
}
