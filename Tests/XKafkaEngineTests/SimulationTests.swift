import Testing
import XKafkaTestingInternal

/// The pure parts of consuming, put together as the consumer thread and the workers do, under random
/// schedules of fetches, failures, commits, rebalances, crashes and restarts. The rules of the design are
/// checked after every step. `make simulate` plays many more schedules.
@Suite struct SimulationTests {
    @Test(arguments: 0..<8)
    func rulesHoldUnderFixedSeeds(part: Int) async {
        await expectNoViolation(Array(UInt64(part * 25)..<UInt64(part * 25 + 25)))
    }

    @Test(arguments: SeededGenerator.freshSeeds(8))
    func rulesHoldUnderFreshSeeds(seed: UInt64) async {
        await expectNoViolation((0..<UInt64(25)).map { seed &+ $0 })
    }

    @Test func schedulesRepeatThemselves() {
        let first = SimulationRun.play(seed: 7)
        let second = SimulationRun.replay(first.events, seed: 7)
        #expect(first.events.count >= 200)
        #expect(first.rebalances >= 2)
        #expect(first.counters.total == second.counters.total)
        #expect(first.handled == second.handled)
    }

    private func expectNoViolation(_ seeds: [UInt64]) async {
        let violations = await longComputation {
            seeds.compactMap { seed -> String? in
                let outcome = SimulationRun.play(seed: seed)
                return outcome.violation == nil ? nil : SimulationRun.describe(failing: seed, outcome)
            }
        }
        #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
    }
}

#if SimulatedDefects
    import XKafkaOffsets

    /// The checks bite: `swift test --traits SimulatedDefects`, or `make calibrate`.
    @Suite struct SimulatedDefectTests {
        @Test(arguments: SimulatedDefect.allCases)
        func isFound(defect: SimulatedDefect) {
            #expect(SimulationRun.find(defect, limit: 500) != nil, "\(defect)")
        }
    }
#endif
