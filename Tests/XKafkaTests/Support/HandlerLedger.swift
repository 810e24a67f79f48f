import Synchronization
import XKafka
import XKafkaTestingInternal

/// What the handlers of one or more consumers did, and whether that kept the order of keys.
final class HandlerLedger: Sendable {
    struct Place: Sendable, Hashable {
        let partition: Int32
        let offset: Int64
    }

    struct Entry: Sendable {
        let member: Int
        let epoch: UInt64
        let place: Place
        let key: String
    }

    private struct Owner: Hashable {
        let member: Int
        let epoch: UInt64
        let partition: Int32
        let key: String

        init(_ entry: Entry) {
            member = entry.member
            epoch = entry.epoch
            partition = entry.place.partition
            key = entry.key
        }
    }

    /// In the order in which handlers began.
    let started = Collector<Entry>()
    /// In the order in which they completed.
    let done = Collector<Entry>()
    private let busy = Mutex<Set<Owner>>([])
    private let overlaps = Mutex<[String]>([])
    private let donePlaces = Mutex<Set<Place>>([])

    /// Runs `body` as the handling of `message` by a member.
    func handle(_ message: ConsumeContext, member: Int = 0, _ body: () async throws -> Void) async throws {
        let entry = Entry(
            member: member,
            epoch: message.assignmentEpoch,
            place: Place(partition: message.partition, offset: message.offset),
            key: String(message.logicalKey)
        )
        let owner = Owner(entry)
        if !busy.withLock({ $0.insert(owner).inserted }) { overlaps.withLock { $0.append("\(entry)") } }
        started.add(entry)
        defer { _ = busy.withLock { $0.remove(owner) } }
        try await body()
        donePlaces.withLock { _ = $0.insert(entry.place) }
        done.add(entry)
    }

    /// How many different messages were completed.
    var doneCount: Int { donePlaces.withLock { $0.count } }

    /// How many completions were of messages that had been completed before.
    var duplicates: Int { done.values.count - doneCount }

    /// What broke the order of keys (R2): handlers that overlapped, and, within an assignment of a member,
    /// messages completed out of order.
    var disorder: [String] {
        var problems = overlaps.withLock { $0.map { "overlap: \($0)" } }
        for (owner, entries) in Dictionary(grouping: done.values, by: Owner.init) {
            let offsets = entries.map(\.place.offset)
            if offsets != offsets.sorted() { problems.append("order: \(owner) \(offsets)") }
        }
        return problems
    }
}
