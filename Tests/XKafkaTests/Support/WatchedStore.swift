import Synchronization
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// A store that keeps in memory what it is given, and looks whether it may be: saves of a partition come one after
/// the other, never go backwards (R11), and never tell of a message that is not done (R1).
final class WatchedStore: CheckpointStore {
    struct Refusal: Error {}

    private struct State {
        var done: [TopicPartition: Set<Int64>] = [:]
        var told: [TopicPartition: Set<Int64>] = [:]
        var saving: Set<TopicPartition> = []
        var problems: [String] = []
    }

    private let memory = MemoryOffsetStore()
    private let state = Mutex(State())
    private let fault: @Sendable () async throws -> Void
    /// Every save that was kept.
    let saves = Collector<Checkpoint>()

    /// - Parameter fault: runs within every save, which takes as long; throwing fails it.
    init(_ fault: @escaping @Sendable () async throws -> Void = {}) {
        self.fault = fault
    }

    /// Handlers call it when they have done their work.
    func noteDone(_ message: ConsumeContext) {
        state.withLock { _ = $0.done[message.topicPartition, default: []].insert(message.offset) }
    }

    /// What was not as it should be.
    var problems: [String] { state.withLock { $0.problems } }

    func loadCheckpoint(_ partition: TopicPartition) async throws -> Checkpoint? {
        try await memory.loadCheckpoint(partition)
    }

    func save(_ checkpoint: Checkpoint, for partition: TopicPartition) async throws {
        let told = Set(0..<checkpoint.nextOffset).union(checkpoint.completed.joined())
        state.withLock { state in
            if !state.saving.insert(partition).inserted { state.problems.append("\(partition): saves overlap") }
            let early = told.subtracting(state.done[partition] ?? []).sorted()
            if !early.isEmpty { state.problems.append("\(partition): \(early) saved before they were done") }
            let forgotten = (state.told[partition] ?? []).subtracting(told).sorted()
            if !forgotten.isEmpty { state.problems.append("\(partition): \(forgotten) forgotten") }
            state.told[partition] = told
        }
        defer { state.withLock { _ = $0.saving.remove(partition) } }
        try await fault()
        try await memory.save(checkpoint, for: partition)
        saves.add(checkpoint)
    }
}
