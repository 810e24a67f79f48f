public import XKafka

/// Checks that an `OffsetStore` of yours keeps what the consumer relies on.
///
/// ```swift
/// @Test func myStoreKeepsItsPromises() async throws {
///     try await OffsetStoreConformance.check { try MyStore(database) }
/// }
/// ```
public enum OffsetStoreConformance {
    /// Runs all checks, on partitions with names of their own.
    ///
    /// - Parameters:
    ///   - survives: whether what is saved outlives the store object. Default `true`.
    ///   - open: opens the store, anew at each call and on the same data, as a process does after a restart.
    ///     The one that it answered before is not used any more then.
    /// - Throws: ``OffsetStoreFault`` for the first promise that is not kept, and whatever the store throws.
    public static func check(
        survives: Bool = true,
        open: () async throws -> any OffsetStore
    ) async throws {
        let run = "conformance-\(UInt32.random(in: 0...UInt32.max))"
        try await checkOffsets(try await open(), run)
        // Each part lets go of its store before the next is opened: some can be open only once.
        if survives {
            let partition = partitions(run)[0]
            try expect(try await open().load(partition) == 5, "what was saved is there after a restart")
        }
        try await checkConcurrency(try await open(), run)
        guard try await checkCheckpoints(try await open(), run), survives else { return }
        if let store = try await open() as? any CheckpointStore {
            let checkpoint = try await store.loadCheckpoint(checkpointed(run))
            try expect(checkpoint == manyCompletions, "completions are there after a restart")
        }
    }

    private static func partitions(_ run: String) -> [TopicPartition] {
        let topics = [
            "\(run)", "\(run) with blanks, ünïcode and a \"quote\"'", run + String(repeating: "x", count: 200),
        ]
        return topics.flatMap { topic in [0, 1, Int32.max].map { TopicPartition(topic: topic, partition: $0) } }
    }

    private static func checkOffsets(_ store: any OffsetStore, _ run: String) async throws {
        let partitions = partitions(run)
        for partition in partitions {
            try expect(try await store.load(partition) == nil, "nothing is loaded before something was saved")
        }
        for (index, partition) in partitions.enumerated() {
            try await store.save(Int64(index), for: partition)
        }
        for (index, partition) in partitions.enumerated() {
            try expect(
                try await store.load(partition) == Int64(index),
                "each partition has an offset of its own, 0 included"
            )
        }
        for offset in [1, 2, Int64(Int32.max) + 1, .max - 1] as [Int64] {
            try await store.save(offset, for: partitions[0])
            try expect(try await store.load(partitions[0]) == offset, "the offset saved last is loaded: \(offset)")
        }
        // A topic that was made anew begins at its start again.
        try await store.save(5, for: partitions[0])
        try expect(try await store.load(partitions[0]) == 5, "a smaller offset can be saved")
    }

    /// Different partitions are saved at the same time by different consumers.
    private static func checkConcurrency(_ store: any OffsetStore, _ run: String) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<16 {
                group.addTask {
                    let partition = TopicPartition(topic: "\(run)-concurrent", partition: Int32(number))
                    for offset in 1...10 { try await store.save(Int64(offset), for: partition) }
                }
            }
            try await group.waitForAll()
        }
        for number in 0..<16 {
            let partition = TopicPartition(topic: "\(run)-concurrent", partition: Int32(number))
            try expect(try await store.load(partition) == 10, "saves of different partitions do not disturb each other")
        }
    }

    private static func checkpointed(_ run: String) -> TopicPartition {
        TopicPartition(topic: "\(run)-checkpoints", partition: 3)
    }

    private static let manyCompletions = Checkpoint(
        nextOffset: 10,
        completed: (0..<2_000).map { 11 + $0 * 7..<13 + $0 * 7 }
    )

    /// Answers whether the store keeps checkpoints at all.
    private static func checkCheckpoints(_ store: any OffsetStore, _ run: String) async throws -> Bool {
        guard let store = store as? any CheckpointStore else { return false }
        let partition = checkpointed(run)
        let few = Checkpoint(nextOffset: 10, completed: [12..<15])
        for checkpoint in [Checkpoint(nextOffset: 10), few, manyCompletions] {
            try await store.save(checkpoint, for: partition)
            try expect(try await store.loadCheckpoint(partition) == checkpoint, "completions are kept as they are")
        }
        return true
    }

    private static func expect(_ isKept: Bool, _ promise: String) throws {
        guard isKept else { throw OffsetStoreFault(promise: promise) }
    }
}

/// A promise that an `OffsetStore` does not keep.
public struct OffsetStoreFault: Error, Sendable, CustomStringConvertible {
    /// The promise.
    public let promise: String

    /// The promise, and that it is not kept.
    public var description: String { "the offset store does not keep this: \(promise)" }
}
