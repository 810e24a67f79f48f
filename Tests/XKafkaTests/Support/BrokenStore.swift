import Synchronization
import XKafka
import XKafkaTesting

/// A store that fails to save until it is mended.
final class BrokenStore: OffsetStore {
    struct Failure: Error, CustomStringConvertible {
        let description = "disk full"
    }

    private let isBroken = Atomic<Bool>(true)
    private let memory = MemoryOffsetStore()

    func mend() { isBroken.store(false, ordering: .relaxed) }

    func load(_ partition: TopicPartition) async throws -> Int64? { try await memory.load(partition) }

    func save(_ offset: Int64, for partition: TopicPartition) async throws {
        if isBroken.load(ordering: .relaxed) { throw Failure() }
        try await memory.save(offset, for: partition)
    }
}
