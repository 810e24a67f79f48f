/// Plays schedules of a producer's lanes, as ``SimulationRun`` plays those of consuming.
package enum LaneRun {
    /// What came of one schedule.
    package struct Outcome: Sendable {
        package let events: [LaneEvent]
        package let violation: SimulationViolation?
        package let counters: LaneCounters
        package let messages: Int
        /// How many failed because a later one was acknowledged meanwhile.
        package let overtaken: Int
        package let trace: [String]
    }

    /// Makes up a schedule as it goes, and plays it to its end.
    package static func play(seed: UInt64) -> Outcome {
        var random = SeededGenerator(seed: ~seed)
        let simulation = LaneSimulation(seed: seed)
        var events: [LaneEvent] = []
        return finish(simulation, seed, &events) { simulation, events throws(SimulationViolation) in
            // Little has a meaning once nothing more is taken, so the attempts are counted as well.
            for _ in 0..<4 * simulation.setup.eventCount where events.count < simulation.setup.eventCount {
                let event = LaneEvent(using: &random)
                events.append(event)
                if try !simulation.apply(event) { events.removeLast() }
            }
        }
    }

    /// Plays given events over the setup of a seed.
    package static func replay(_ events: [LaneEvent], seed: UInt64, isTraced: Bool = false) -> Outcome {
        let simulation = LaneSimulation(seed: seed)
        if isTraced { simulation.trace = ["\(simulation.setup)"] }
        var played = events
        return finish(simulation, seed, &played) { simulation, events throws(SimulationViolation) in
            for event in events { _ = try simulation.apply(event) }
        }
    }

    private static func finish(
        _ simulation: LaneSimulation,
        _ seed: UInt64,
        _ events: inout [LaneEvent],
        _ body: (LaneSimulation, inout [LaneEvent]) throws(SimulationViolation) -> Void
    ) -> Outcome {
        var violation: SimulationViolation?
        do {
            try body(simulation, &events)
            try simulation.settle(closing: seed % 2 == 0)
        } catch {
            violation = error
        }
        return Outcome(
            events: events,
            violation: violation,
            counters: simulation.counters,
            messages: simulation.submitted,
            overtaken: simulation.overtaken,
            trace: simulation.trace ?? []
        )
    }

    /// What a failing seed did wrong, with the shortest schedule that shows it.
    package static func describe(failing seed: UInt64, _ outcome: Outcome) -> String {
        guard let violation = outcome.violation else { return "seed \(seed): no violation" }
        let shortest = shortenSchedule(outcome.events) { replay($0, seed: seed).violation?.rule }
        let again = replay(shortest, seed: seed, isTraced: true)
        return """
            lane seed \(seed) breaks \(violation)
            shortened from \(outcome.events.count) to \(shortest.count) events: \(again.violation.map { "\($0)" } ?? "-")
            \(again.trace.joined(separator: "\n"))
            """
    }
}
