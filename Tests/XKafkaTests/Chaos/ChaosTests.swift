import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Members come, go, are killed and stand still, brokers fail, handlers fail, dawdle and do not listen, all at the same
/// time, while messages flow. What the members wrote down decides afterwards whether the rules held.
///
/// `XKAFKA_CHAOS_SECONDS` and `XKAFKA_CHAOS_SEED` say how long, and which schedule; see `make chaos`.
@Suite(.timeLimit(.minutes(60)), .serialized) struct ChaosTests {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seconds = environment["XKAFKA_CHAOS_SECONDS"].flatMap { Int($0) } ?? 7
    private static let seed =
        environment["XKAFKA_CHAOS_SEED"].flatMap { UInt64($0) } ?? SeededGenerator.freshSeeds(1)[0]

    /// Handing partitions over takes at most: a session timeout until a dead member is noticed, a rebalance (on the
    /// embedded broker the session timeout less a second), the drain, the grace of cancelled handlers, and a last commit,
    /// which the embedded broker refuses meanwhile.
    private static let handOver =
        ChaosRun.sessionTimeout + (ChaosRun.sessionTimeout - 1_000) + ChaosRun.drainDeadline + 1_000 + 5_000

    static let limits = ChaosVerdict.Limits(
        // The next member may go while partitions are handed over.
        stall: 2 * handOver + ChaosSchedule.longestFault,
        // What was done and is not committed: since the last commit, which a broker may hold up, and during the drain,
        // in which the embedded broker takes none. And a moment for a busy machine.
        repeatedAge: ChaosRun.commitInterval + ChaosSchedule.longestFault + ChaosRun.drainDeadline + 1_000 + 700,
        // The budget, half a KiB for each message in hand (32,768), and what the allocator keeps.
        memoryGrowth: ChaosRun.byteBudget / 1_024 + 16 * 1_024 + 8 * 1_024,
        warmUp: 5_000,
        lastAttempt: ChaosRun.retries + 1
    )

    @Test func rulesHoldWhateverHappens() async throws {
        let schedule = ChaosSchedule(seed: Self.seed, length: .seconds(Self.seconds))
        let start = ContinuousClock.now
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(uniqueName("xkafka-chaos"))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let record = try await ChaosRun.play(
            schedule,
            seed: Self.seed,
            settling: .milliseconds(Self.limits.stall),
            in: folder
        )
        let verdict = ChaosVerdict(record, Self.limits)
        print(verdict.summary(of: schedule, seed: Self.seed, duration: start.duration(to: .now)))
        guard !verdict.problems.isEmpty else { return try FileManager.default.removeItem(at: folder) }
        Issue.record(
            """
            \(verdict.problems.joined(separator: "\n"))
            The ledgers are in \(folder.path). What happened:
            \(schedule.text)
            """
        )
    }

    @Test func seedRepeatsTheSchedule() {
        let first = ChaosSchedule(seed: 7, length: .seconds(60))
        let second = ChaosSchedule(seed: 7, length: .seconds(60))
        #expect(first.entries.map(\.time) == second.entries.map(\.time))
        #expect(first.entries.map(\.action) == second.entries.map(\.action))
    }
}

extension ChaosVerdict {
    /// One line with what came of it.
    func summary(of schedule: ChaosSchedule, seed: UInt64, duration: Duration) -> String {
        let joined = ChaosSchedule.firstMembers + schedule.count { if case .join = $0 { true } else { false } }
        let left = schedule.count { if case .leave = $0 { true } else { false } }
        let killed = schedule.count { if case .kill = $0 { true } else { false } }
        let frozen = schedule.count { if case .freeze = $0 { true } else { false } }
        let faults = schedule.count { if case .fault = $0 { true } else { false } }
        return [
            "chaos: seed \(seed)", "\(duration / .seconds(1)) s", "\(record.acknowledged.count) messages",
            "members \(joined) joined \(left) left \(killed) killed \(frozen) frozen", "\(faults) faults",
            "\(record.deadLetters.count) dead letters", "\(lost.count) lost",
            "\(orderViolations.count) order violations",
            "\(duplicates) handled twice (the oldest \(oldestRepeat) ms before the end)",
            "longest stall \(longestStall.time) ms", "memory growth \(memoryGrowth.kibibytes) KiB",
        ].joined(separator: ", ")
    }
}
