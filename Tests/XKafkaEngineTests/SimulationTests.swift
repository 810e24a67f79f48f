import Foundation
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

    /// 30 s of schedules that nobody has played before. `make simulate` plays more of them, and faster.
    @Test func rulesHoldUnderFreshSeeds() async {
        let first = SeededGenerator.freshSeeds(1)[0]
        let limit = Duration.seconds(
            ProcessInfo.processInfo.environment["XKAFKA_SIMULATE_SECONDS"].flatMap { Int($0) } ?? 30
        )
        let (sum, duration) = await longComputation(onThreadOfItsOwn: true) {
            let start = ContinuousClock.now
            var sum = SimulationSum()
            var seed = first
            while start.duration(to: .now) < limit, sum.failure == nil {
                sum.play(seed)
                for _ in 0..<4 { sum.playLanes(first &+ UInt64(sum.laneSchedules)) }
                seed &+= 1
            }
            return (sum, start.duration(to: .now) / .seconds(1))
        }
        let rate = Int(Double(sum.schedules + sum.laneSchedules) / duration)
        print("simulation: seeds from \(first), \(rate) seeds/s; \(sum.text); \(sum.laneText)")
        #expect(sum.failure == nil, "\(sum.failure?.text ?? ""), from seed \(first)")
    }

    @Test(arguments: 0..<4)
    func orderOfProductionHoldsUnderFixedSeeds(part: Int) async {
        let sum = await longComputation {
            var sum = SimulationSum()
            for seed in part * 250..<part * 250 + 250 { sum.playLanes(UInt64(seed)) }
            return sum
        }
        #expect(sum.failure == nil, "\(sum.failure?.text ?? "")")
    }

    @Test func schedulesRepeatThemselves() {
        let first = SimulationRun.play(seed: 7)
        let second = SimulationRun.replay(first.events, seed: 7)
        #expect(first.events.count >= 200)
        #expect(first.rebalances >= 2)
        #expect(first.counters.total == second.counters.total)
        #expect(first.handled == second.handled)
        let lanes = LaneRun.play(seed: 7)
        let again = LaneRun.replay(lanes.events, seed: 7)
        #expect(lanes.events.count >= 10)
        #expect(lanes.counters.total == again.counters.total)
        #expect(lanes.messages == again.messages)
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
