import XKafkaTestingInternal

/// Plays simulated schedules and checks the rules after every step.
///
///     xkafka-simulate 100000        that many schedules with fresh seeds
///     xkafka-simulate --seed 123    one schedule again, with what happens in it
@main
enum Simulate {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        #if SimulatedDefects
            calibrate()
        #endif
        if arguments.first == "--seed", let seed = arguments.dropFirst().first.flatMap({ UInt64($0) }) {
            replay(seed)
        } else if let count = Int(arguments.first ?? "20000"), count > 0 {
            await play(count)
        } else {
            print("usage: xkafka-simulate [number of seeds | --seed SEED]")
            exit(failing: true)
        }
    }

    private static func replay(_ seed: UInt64) {
        let outcome = SimulationRun.play(seed: seed)
        if outcome.violation != nil {
            print(SimulationRun.describe(failing: seed, outcome))
        } else {
            print(SimulationRun.replay(outcome.events, seed: seed, isTraced: true).trace.joined(separator: "\n"))
            print("seed \(seed): \(outcome.events.count) events, no rule broken")
        }
        exit(failing: outcome.violation != nil)
    }

    /// What came of many schedules.
    private struct Sum: Sendable {
        var counters = SimulationCounters()
        var rebalances = 0
        var handled = 0
        var duplicates = 0
        var failure: (seed: UInt64, outcome: SimulationRun.Outcome)?

        mutating func add(_ seed: UInt64, _ outcome: SimulationRun.Outcome) {
            counters.add(outcome.counters)
            rebalances += outcome.rebalances
            handled += outcome.handled
            duplicates += outcome.duplicates
            if outcome.violation != nil { failure = failure ?? (seed, outcome) }
        }

        mutating func add(_ other: Sum) {
            counters.add(other.counters)
            rebalances += other.rebalances
            handled += other.handled
            duplicates += other.duplicates
            failure = failure ?? other.failure
        }
    }

    private static func play(_ count: Int) async {
        let first = UInt64.random(in: 0...UInt64.max)
        let start = ContinuousClock.now
        let size = 100
        let sum = await withTaskGroup(of: Sum.self) { group in
            var sum = Sum()
            var next = 0
            func addChunk() {
                let chunk = next..<min(next + size, count)
                next = chunk.upperBound
                group.addTask {
                    var sum = Sum()
                    for index in chunk where sum.failure == nil {
                        let seed = first &+ UInt64(index)
                        sum.add(seed, SimulationRun.play(seed: seed))
                    }
                    return sum
                }
            }
            for _ in 0..<processors where next < count { addChunk() }
            while let part = await group.next() {
                sum.add(part)
                if next < count, sum.failure == nil { addChunk() }
            }
            return sum
        }
        let duration = start.duration(to: .now)
        if let (seed, outcome) = sum.failure {
            print(SimulationRun.describe(failing: seed, outcome))
            print("again: xkafka-simulate --seed \(seed) (number \(seed &- first + 1) of this run)")
            exit(failing: true)
        }
        let perSecond = Int(Double(count) / (duration / .seconds(1)))
        print(sum.counters.table)
        let missing = sum.counters.missing
        if !missing.isEmpty { print("never happened: \(missing.joined(separator: ", "))") }
        print(
            "simulate: \(count) seeds from \(first) in \(duration), \(perSecond) seeds/s, \(sum.counters.total) steps, "
                + "\(sum.rebalances) rebalances, \(sum.handled) messages handled, \(sum.duplicates) of them twice, "
                + "0 violations"
        )
        // In a short run something rare may be missing by chance.
        exit(failing: !missing.isEmpty && count >= 10_000)
    }
}

#if SimulatedDefects
    import XKafkaOffsets

    extension Simulate {
        /// Switches mistakes on, one after the other, and counts the seeds until each is found.
        static func calibrate() {
            var missed = 0
            for defect in SimulatedDefect.allCases {
                if let (seeds, rule) = SimulationRun.find(defect, limit: 2_000) {
                    print("\(defect): found after \(seeds) seeds by \(rule.rawValue)")
                } else {
                    print("\(defect): not found")
                    missed += 1
                }
            }
            print("calibrate: \(SimulatedDefect.allCases.count) defects, \(missed) not found")
            exit(failing: missed > 0)
        }
    }
#endif
