import Synchronization

/// The tasks that publish dead letters: one for each message that waits for that, so never more than there
/// are messages in hand. No worker waits for them.
final class PublicationTasks: Sendable {
    private struct State {
        var tasks: [UInt64: (partition: ObjectIdentifier, task: Task<Void, Never>)] = [:]
        var nextID: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Runs `body`, until ``cancel(_:)`` is called for its partition.
    func start(for partition: AssignedPartition, _ body: @escaping @Sendable () async -> Void) {
        state.withLock { state in
            state.nextID += 1
            let id = state.nextID
            // Made under the lock, so that it cannot remove itself before it is there.
            let task = Task {
                await body()
                self.state.withLock { _ = $0.tasks.removeValue(forKey: id) }
            }
            state.tasks[id] = (ObjectIdentifier(partition), task)
        }
    }

    /// Cancels those of these partitions.
    func cancel(_ partitions: Set<ObjectIdentifier>) {
        let meant = state.withLock { state in
            state.tasks.values.filter { partitions.contains($0.partition) }.map(\.task)
        }
        for task in meant { task.cancel() }
    }
}
