/// Plays schedules: makes one from a seed, and plays one again.
package enum SimulationRun {
    /// What came of one schedule.
    package struct Outcome: Sendable {
        package let events: [SimulationEvent]
        package let violation: SimulationViolation?
        package let counters: SimulationCounters
        package let rebalances: Int
        /// How often a reader noticed that a log was reset.
        package let resets: Int
        package let handled: Int
        /// How many messages were handled although they were done before.
        package let duplicates: Int
        package let trace: [String]
    }

    /// Makes up a schedule as it goes, and plays it to its end.
    package static func play(seed: UInt64) -> Outcome {
        var random = SeededGenerator(seed: ~seed)
        let simulation = Simulation(seed: seed)
        var events: [SimulationEvent] = []
        events.reserveCapacity(simulation.setup.eventCount)
        return finish(simulation, &events) { simulation, events throws(SimulationViolation) in
            var attempts = 0
            while events.count < simulation.setup.eventCount {
                var event = SimulationEvent(in: simulation.setup, using: &random)
                // None goes without a rebalance beside the first.
                if events.count == simulation.setup.eventCount / 2, attempts < 20, !simulation.hasRebalanced {
                    attempts += 1
                    event = SimulationEvent(kind: .rebalance, member: 0, choice: event.choice)
                }
                events.append(event)
                if try !simulation.apply(event) { events.removeLast() }
            }
        }
    }

    /// Plays given events over the setup of a seed.
    package static func replay(_ events: [SimulationEvent], seed: UInt64, isTraced: Bool = false) -> Outcome {
        let simulation = Simulation(seed: seed)
        if isTraced { simulation.world.trace = [] }
        var played = events
        return finish(simulation, &played) { simulation, events throws(SimulationViolation) in
            for event in events { _ = try simulation.apply(event) }
        }
    }

    private static func finish(
        _ simulation: Simulation,
        _ events: inout [SimulationEvent],
        _ body: (Simulation, inout [SimulationEvent]) throws(SimulationViolation) -> Void
    ) -> Outcome {
        var violation: SimulationViolation?
        do {
            try body(simulation, &events)
            try simulation.settle()
        } catch {
            violation = error
        }
        return Outcome(
            events: events,
            violation: violation,
            counters: simulation.counters,
            rebalances: simulation.world.group.rebalances,
            resets: simulation.world.noticedResets,
            handled: simulation.world.model.handled,
            duplicates: simulation.world.model.duplicates,
            trace: simulation.world.trace ?? []
        )
    }

    /// Leaves out of a schedule whatever the violation does not need.
    package static func shorten(_ events: [SimulationEvent], seed: UInt64) -> [SimulationEvent] {
        shortenSchedule(events) { replay($0, seed: seed).violation?.rule }
    }

    /// What a failing seed did wrong, with the shortest schedule that shows it.
    package static func describe(failing seed: UInt64, _ outcome: Outcome) -> String {
        guard let violation = outcome.violation else { return "seed \(seed): no violation" }
        let shortest = shorten(outcome.events, seed: seed)
        let again = replay(shortest, seed: seed, isTraced: true)
        return """
            seed \(seed) breaks \(violation)
            shortened from \(outcome.events.count) to \(shortest.count) events: \(again.violation.map { "\($0)" } ?? "-")
            \(again.trace.joined(separator: "\n"))
            """
    }
}

#if SimulatedDefects
    package import XKafkaOffsets

    extension SimulationRun {
        /// How many seeds it takes to find a mistake, and which rule it breaks; `nil` when it is not found
        /// within `limit`.
        package static func find(_ defect: SimulatedDefect, limit: UInt64) -> (seeds: UInt64, rule: SimulationRule)? {
            SimulatedDefect.$current.withValue(defect) {
                for seed in 0..<limit {
                    let violation = defect.isOfLanes ? LaneRun.play(seed: seed).violation : play(seed: seed).violation
                    if let violation { return (seed + 1, violation.rule) }
                }
                return nil
            }
        }
    }
#endif
