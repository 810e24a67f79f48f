import XKafkaOffsets

/// The logs of the partitions and the committed offsets of the group.
final class SimulatedBroker {
    struct Record {
        /// `nil` where nothing is delivered: a transaction marker, an aborted or a compacted record.
        let key: Int?
        let bytes: Int
    }

    struct Committed {
        let offset: Int64
        let metadata: String
    }

    /// A commit on its way.
    struct CommitRequest {
        let number: Int
        let slot: Int
        let instance: Int
        let generation: Int
        let parts: [Part]

        struct Part {
            let partition: Int
            let assignment: Int
            let committed: Committed
        }
    }

    private(set) var logs: [[Record]]
    /// The logs that those took the place of.
    private(set) var oldLogs: [[Record]]
    private(set) var committed: [Committed?]
    /// How often the log of a partition was begun anew, and which of its logs the committed offset means.
    private(set) var generations: [Int]
    private(set) var committedGenerations: [Int]
    /// In the order they were sent; those of one member are served in that order.
    var requests: [CommitRequest] = []

    init(partitionCount: Int) {
        logs = Array(repeating: [], count: partitionCount)
        oldLogs = logs
        committed = Array(repeating: nil, count: partitionCount)
        generations = Array(repeating: 0, count: partitionCount)
        committedGenerations = Array(repeating: 0, count: partitionCount)
    }

    func end(_ partition: Int) -> Int64 { Int64(logs[partition].count) }

    /// Whether the committed offset is one of an earlier log.
    func isCommitStale(_ partition: Int) -> Bool { committedGenerations[partition] != generations[partition] }

    /// The topic is made anew, with one message, so that readers can see it.
    func reset(_ partition: Int, _ setup: SimulationSetup, _ random: inout SeededGenerator) {
        generations[partition] += 1
        let key = Int.random(in: 0..<setup.keyCount, using: &random)
        oldLogs[partition] = logs[partition]
        logs[partition] = [Record(key: key, bytes: Int.random(in: 0...100, using: &random))]
        forgetStaleCommit(partition)
    }

    /// An offset of an earlier log that lies within the present one means nothing that could be recognised, by whatever
    /// reader; Kafka deletes it together with the topic.
    private func forgetStaleCommit(_ partition: Int) {
        if isCommitStale(partition), (committed[partition]?.offset ?? 0) <= end(partition) {
            committed[partition] = nil
        }
    }

    func record(_ partition: Int, _ offset: Int64) -> Record { logs[partition][Int(offset)] }

    /// Appends records; answers how many of them are messages.
    func append(_ count: Int, to partition: Int, _ setup: SimulationSetup, _ random: inout SeededGenerator) {
        for _ in 0..<count {
            let isGap = Int.random(in: 0..<10, using: &random) < setup.gapTenths
            let key = Int.random(in: 0..<setup.keyCount, using: &random)
            logs[partition].append(
                Record(key: isGap ? nil : key, bytes: Int.random(in: 0...100, using: &random))
            )
        }
        forgetStaleCommit(partition)
    }

    /// Takes the oldest request of the member that sent the one at `index`.
    func takeRequest(_ index: Int) -> CommitRequest {
        let slot = requests[index].slot
        let first = requests.firstIndex { $0.slot == slot } ?? index
        return requests.remove(at: first)
    }

    func apply(_ part: CommitRequest.Part, generation: Int) {
        committed[part.partition] = part.committed
        committedGenerations[part.partition] = generation
        forgetStaleCommit(part.partition)
    }
}
