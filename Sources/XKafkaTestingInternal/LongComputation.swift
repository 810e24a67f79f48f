import Dispatch

/// Computes something that takes long on a thread of its own, one such thing after the other: the threads that Swift's
/// tasks share, of which there may be two, stay free for other tests.
///
/// - Parameter onThreadOfItsOwn: whether not to stand in line with the others.
package func longComputation<Result: Sendable>(
    onThreadOfItsOwn isApart: Bool = false,
    _ body: @escaping @Sendable () -> Result
) async -> Result {
    let queue = isApart ? DispatchQueue(label: "xkafka.test.computation") : computations
    return await withCheckedContinuation { continuation in
        queue.async { continuation.resume(returning: body()) }
    }
}

private let computations = DispatchQueue(label: "xkafka.test.computations")
