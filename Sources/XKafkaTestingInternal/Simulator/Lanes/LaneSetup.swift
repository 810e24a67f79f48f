/// What stays the same during one schedule of a producer; follows from the seed.
struct LaneSetup: Sendable {
    enum Mode: Sendable, CaseIterable {
        case serial, keySharded, parallel
    }

    let mode: Mode
    let laneCount: Int
    let keyCount: Int
    let partitionCount: Int
    /// How many messages of a lane may be between start and end, and how many it holds back.
    let maxInFlight: Int
    let queueLimit: Int
    /// How often a message is tried again.
    let retryLimit: Int
    /// How many events there are before the end.
    let eventCount: Int

    init(using random: inout SeededGenerator) {
        func pick<T>(_ values: [T], _ random: inout SeededGenerator) -> T {
            values[Int.random(in: 0..<values.count, using: &random)]
        }
        mode = pick(Mode.allCases, &random)
        laneCount = mode == .serial ? 1 : pick([1, 2, 3], &random)
        keyCount = pick([1, 2, 4, 6], &random)
        partitionCount = pick([1, 2, 3], &random)
        maxInFlight = pick([1, 2, 5, .max], &random)
        queueLimit = pick([1, 3, 100], &random)
        retryLimit = pick([0, 1, 3, .max], &random)
        eventCount = Int.random(in: 120...240, using: &random)
    }
}
