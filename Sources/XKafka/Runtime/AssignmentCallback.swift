import XKafkaCore

/// A call of one of the user's assignment callbacks. It runs as a task: the consumer thread neither runs it
/// nor stands still for it.
struct AssignmentCallback: Sendable {
    struct ID: Sendable, Hashable {
        let number: UInt64
    }

    /// A callback under way that partitions wait for before messages are taken from them.
    struct Pending {
        let partitions: [PartitionEntry]
        let deadline: ContinuousClock.Instant
    }

    /// Runs `body` and tells the consumer thread when it has returned.
    static func run(_ id: ID, for runtime: ConsumeRuntime, _ body: @escaping @Sendable () async -> Void) {
        // Closing the consumer from within must not wait for this very callback.
        ConsumeRuntime.$current.withValue(runtime) {
            _ = Task {
                await body()
                runtime.post(callbackEnd: id)
            }
        }
    }
}
