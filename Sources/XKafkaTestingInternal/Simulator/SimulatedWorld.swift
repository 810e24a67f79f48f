import XKafkaOffsets

/// What the members share.
final class SimulatedWorld {
    let setup: SimulationSetup
    let broker: SimulatedBroker
    let group: SimulatedGroup
    let model: SimulationModel
    /// Virtual time. Only differences matter, so that every run of a schedule is the same.
    var now: ContinuousClock.Instant
    let startTime: ContinuousClock.Instant
    /// For what is random within a step.
    var random: SeededGenerator
    var instances = 0
    /// How often a reader noticed that a log was reset.
    var noticedResets = 0
    /// Whether nothing fails and nobody is stuck any more.
    var isSettling = false
    /// What happened, in words, when somebody wants to read it.
    var trace: [String]?

    init(_ setup: SimulationSetup, random: SeededGenerator) {
        self.setup = setup
        self.random = random
        broker = SimulatedBroker(partitionCount: setup.partitionCount)
        group = SimulatedGroup(setup)
        model = SimulationModel(setup)
        startTime = .now
        now = startTime
    }

    func tell(_ text: @autoclosure () -> String) {
        trace?.append(text())
    }

    /// Whether a handler of this key does not want to end now.
    func isStuck(_ line: Int, _ choice: Int) -> Bool {
        line == setup.stuckLine && !isSettling && choice / 32 % 16 != 0
    }

    /// A topic is deleted and made anew.
    func reset(_ partition: Int) {
        broker.reset(partition, setup, &random)
        model.reset(partition)
        for record in broker.logs[partition] { model.appended(partition, key: record.key) }
        tell("  partition \(partition) begins anew")
    }

    func append(_ count: Int, to partition: Int) {
        let end = Int(broker.end(partition))
        broker.append(count, to: partition, setup, &random)
        for record in broker.logs[partition][end...] { model.appended(partition, key: record.key) }
        tell("  partition \(partition) ends at \(broker.end(partition))")
    }
}
