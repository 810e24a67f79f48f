/// What came of many schedules, of consuming and of producing.
package struct SimulationSum: Sendable {
    package private(set) var counters = SimulationCounters()
    package private(set) var laneCounters = LaneCounters()
    package private(set) var schedules = 0
    package private(set) var rebalances = 0
    package private(set) var resets = 0
    package private(set) var handled = 0
    package private(set) var duplicates = 0
    package private(set) var laneSchedules = 0
    package private(set) var messages = 0
    package private(set) var overtaken = 0
    /// The first schedule that broke a rule: how to play it again, and what it did.
    package private(set) var failure: (again: String, text: String)?

    package init() {}

    /// Plays one schedule of consuming.
    package mutating func play(_ seed: UInt64) {
        let outcome = SimulationRun.play(seed: seed)
        counters.add(outcome.counters)
        schedules += 1
        rebalances += outcome.rebalances
        resets += outcome.resets
        handled += outcome.handled
        duplicates += outcome.duplicates
        if outcome.violation != nil, failure == nil {
            failure = ("--seed \(seed)", SimulationRun.describe(failing: seed, outcome))
        }
    }

    /// Plays one schedule of a producer's lanes.
    package mutating func playLanes(_ seed: UInt64) {
        let outcome = LaneRun.play(seed: seed)
        laneCounters.add(outcome.counters)
        laneSchedules += 1
        messages += outcome.messages
        overtaken += outcome.overtaken
        if outcome.violation != nil, failure == nil {
            failure = ("--lane-seed \(seed)", LaneRun.describe(failing: seed, outcome))
        }
    }

    package mutating func add(_ other: SimulationSum) {
        counters.add(other.counters)
        laneCounters.add(other.laneCounters)
        schedules += other.schedules
        rebalances += other.rebalances
        resets += other.resets
        handled += other.handled
        duplicates += other.duplicates
        laneSchedules += other.laneSchedules
        messages += other.messages
        overtaken += other.overtaken
        failure = failure ?? other.failure
    }

    /// One line about the schedules of consuming.
    package var text: String {
        "\(schedules) schedules of consuming, \(counters.total) steps, \(rebalances) rebalances, \(resets) log resets noticed, "
            + "\(handled) messages handled, \(duplicates) of them twice"
    }

    /// One line about those of producing.
    package var laneText: String {
        "\(laneSchedules) schedules of producing, \(laneCounters.total) steps, \(messages) messages, "
            + "\(overtaken) of them failed because they were overtaken"
    }
}
