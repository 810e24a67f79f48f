import Dispatch

/// Computes something that takes long on a thread of its own, one such thing after the other: the threads that Swift's
/// tasks share, of which there may be two, stay free for other tests.
package func longComputation<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        computations.async { continuation.resume(returning: body()) }
    }
}

private let computations = DispatchQueue(label: "xkafka.test.computations")
