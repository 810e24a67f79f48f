import XKafkaTestingInternal

/// Plays simulated schedules and checks the rules after every step.
///
///     xkafka-simulate 100000            that many schedules of consuming and of producing, with fresh seeds
///     xkafka-simulate --seed 123        one schedule of consuming again, with what happens in it
///     xkafka-simulate --lane-seed 123   the same of producing
@main
enum Simulate {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        #if SimulatedDefects
            calibrate()
        #endif
        let seed = arguments.count == 2 ? UInt64(arguments[1]) : nil
        switch (arguments.first ?? "20000", seed) {
        case ("--seed", let seed?): replay(seed)
        case ("--lane-seed", let seed?): replayLanes(seed)
        case (let text, nil):
            guard let count = Int(text), count > 0 else { fallthrough }
            await play(count)
        default:
            print("usage: xkafka-simulate [number of seeds | --seed SEED | --lane-seed SEED]")
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

    private static func replayLanes(_ seed: UInt64) {
        let outcome = LaneRun.play(seed: seed)
        if outcome.violation != nil {
            print(LaneRun.describe(failing: seed, outcome))
        } else {
            print(LaneRun.replay(outcome.events, seed: seed, isTraced: true).trace.joined(separator: "\n"))
            print("lane seed \(seed): \(outcome.events.count) events, no rule broken")
        }
        exit(failing: outcome.violation != nil)
    }

    private static func play(_ count: Int) async {
        let first = UInt64.random(in: 0...UInt64.max)
        let start = ContinuousClock.now
        var sum = await sum(of: count) { $0.play(first &+ UInt64($1)) }
        let duration = start.duration(to: .now)
        if sum.failure == nil {
            sum.add(await self.sum(of: count) { $0.playLanes(first &+ UInt64($1)) })
        }
        let laneDuration = start.duration(to: .now) - duration
        if let (again, text) = sum.failure {
            print(text)
            print("again: xkafka-simulate \(again)")
            exit(failing: true)
        }
        print(sum.counters.table)
        print(sum.laneCounters.table)
        let missing = sum.counters.missing + sum.laneCounters.missing
        if !missing.isEmpty { print("never happened: \(missing.joined(separator: ", "))") }
        func rate(_ count: Int, _ duration: Duration) -> String {
            "\(Int(Double(count) / (duration / .seconds(1)))) seeds/s"
        }
        print("simulate: \(sum.text), seeds from \(first), \(rate(sum.schedules, duration)), 0 violations")
        print("simulate: \(sum.laneText), seeds from \(first), \(rate(sum.laneSchedules, laneDuration)), 0 violations")
        // In a short run something rare may be missing by chance.
        exit(failing: !missing.isEmpty && count >= 10_000)
    }

    /// Plays many schedules on all processors, until one breaks a rule.
    private static func sum(
        of count: Int,
        _ play: @escaping @Sendable (inout SimulationSum, Int) -> Void
    ) async -> SimulationSum {
        let size = 100
        return await withTaskGroup(of: SimulationSum.self) { group in
            var sum = SimulationSum()
            var next = 0
            func addChunk() {
                let chunk = next..<min(next + size, count)
                next = chunk.upperBound
                group.addTask {
                    var sum = SimulationSum()
                    for index in chunk where sum.failure == nil { play(&sum, index) }
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
