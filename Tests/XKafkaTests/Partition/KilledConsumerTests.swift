import Foundation
import GRDB
import Testing
import XKafka
import XKafkaSQLite
import XKafkaTesting
import XKafkaTestingInternal

/// `kill -9`, again and again, of a process that reads a partition with many handlers at once.
///
/// `XKAFKA_KILLS` says how often; `make chaos` makes it 200.
@Suite(.timeLimit(.minutes(10)), .serialized) struct KilledConsumerTests {
    private static let kills = ProcessInfo.processInfo.environment["XKAFKA_KILLS"].flatMap { Int($0) } ?? 20
    private static let total = max(20_000, kills * 100)
    private static let keys = 1_000
    /// With the time that each takes: enough for fifty of them on a machine that handles 500 messages a second.
    /// Fewer when there are many kills, or the messages would all be done before the last one.
    private static let handlers = min(256, max(64, total / kills / 2))
    private static let delay = 100
    private static let leastInFlight = 50
    private static let partition = TopicPartition(topic: "orders", partition: 0)
    private static let everything = Set(0..<Int64(total))

    /// What one run did, by its own ledger, and what it left behind.
    private struct Run {
        let entries: [MemberProcess.Entry]
        let started: Set<Int64>
        let finished: Set<Int64>
        /// What the store says is done.
        var saved: Set<Int64> = []

        init(_ entries: [MemberProcess.Entry]) {
            self.entries = entries
            started = Set(entries.lazy.filter { !$0.isDone }.map(\.offset))
            finished = Set(entries.lazy.filter(\.isDone).map(\.offset))
        }
    }

    /// At least once: nothing is lost, and what is done twice is what was not saved yet.
    @Test func fileStoreLosesNothing() async throws {
        try await withMessages { broker, folder in
            let path = folder.appendingPathComponent("offsets").path
            var finished: Set<Int64> = []
            var table = KillTable("file store")
            let runs = try await killAgainAndAgain(broker, folder, ["--offsets-file": path]) { run in
                run.started.subtracting(run.finished).count
            } afterRun: { run in
                run.saved = done(try await FileOffsetStore(path: path).loadCheckpoint(Self.partition))
                let repeated = run.finished.intersection(finished)
                finished.formUnion(run.finished)
                #expect(run.saved.subtracting(finished) == [], "nothing is saved that is not done (R1)")
                let inFlight = run.started.subtracting(run.finished).count
                table.add(done: run.saved.count, inFlight: inFlight, repeated: repeated.count)
            }
            table.end(lost: Self.everything.subtracting(finished).count)
            #expect(Self.everything.subtracting(finished) == [], "nothing is lost (R1)")
            #expect(table.leastInFlight >= Self.leastInFlight)
            expectProgress(runs)
            for (run, next) in zip(runs, runs.dropFirst()) {
                #expect(next.started.intersection(run.saved) == [], "what was saved is not done again")
            }
        }
    }

    /// Exactly once, in the database: the row and the note that the message is done are one transaction.
    @Test func transactionsHaveTheirEffectOnce() async throws {
        try await withMessages { broker, folder in
            let path = folder.appendingPathComponent("ledger.sqlite").path
            let store = try SQLiteOffsetStore(path: path)
            let database = store.database
            try await database.write { try $0.execute(sql: "CREATE TABLE effect (message INTEGER NOT NULL)") }
            var effects: [Int64] = []
            var table = KillTable("SQLite transactions")
            let runs = try await killAgainAndAgain(broker, folder, ["--database": path]) { run in
                // The database may be busy with what the process was stopped in.
                let there = try? await self.effects(database)
                return there.map { run.started.subtracting($0).count } ?? 0
            } afterRun: { run in
                let before = Set(effects)
                effects = try await self.effects(database)
                run.saved = done(try await store.loadCheckpoint(Self.partition))
                #expect(Set(effects).symmetricDifference(run.saved) == [], "the rows are what the checkpoint says")
                #expect(run.finished.subtracting(run.saved) == [], "what was told to be done is durable")
                #expect(run.started.intersection(before) == [], "what has had its effect is not begun again")
                let inFlight = run.started.subtracting(effects).count
                table.add(done: effects.count, inFlight: inFlight, repeated: effects.count - Set(effects).count)
            }
            table.end(lost: Self.everything.subtracting(effects).count)
            #expect(Self.everything.subtracting(effects) == [], "each effect is there")
            #expect(effects.count == Self.total, "and once")
            #expect(table.leastInFlight >= Self.leastInFlight)
            expectProgress(runs)
        }
    }

    // MARK: Support

    private func withMessages(_ body: (EmbeddedBroker, URL) async throws -> Void) async throws {
        let broker = try EmbeddedBroker.start(topics: [Self.partition.topic: 1], in: .childProcess)
        defer { broker.stop() }
        let producer = try Producer(.testing(broker, topic: Self.partition.topic))
        try await producer.produceBatch(
            (0..<Self.total).map { ProduceMessage(key: "k\($0 % Self.keys)", value: "\($0)") }
        )
        await producer.close()
        try await MemberProcess.withFolder { try await body(broker, $0) }
    }

    private func effects(_ database: any DatabaseReader) async throws -> [Int64] {
        try await database.read { try Int64.fetchAll($0, sql: "SELECT message FROM effect ORDER BY message") }
    }

    /// Kills the process again and again, each time at another place, and then lets it do the rest.
    ///
    /// - Parameters:
    ///   - inFlight: how many messages were begun and have had no effect yet.
    ///   - afterRun: looks at what is left behind, the last time at the end.
    private func killAgainAndAgain(
        _ broker: EmbeddedBroker,
        _ folder: URL,
        _ store: [String: String],
        inFlight: @escaping @Sendable (Run) async -> Int,
        afterRun: (inout Run) async throws -> Void
    ) async throws -> [Run] {
        var runs: [Run] = []
        func member(_ name: String, _ more: [String: String] = [:]) throws -> MemberProcess {
            let own = [
                "--partition": "\(Self.partition.partition)", "--delay": "\(Self.delay)",
                "--handlers": "\(Self.handlers)",
                "--commit-interval": "20",
            ]
            let ledger = folder.appendingPathComponent(name)
            return try MemberProcess(
                broker,
                topic: Self.partition.topic,
                ledger: ledger,
                own.merging(store) { $1 }.merging(more) { $1 }
            )
        }
        // The kills are spread over all messages, and the last one finds some left: each process stops itself at its
        // place. Were it stopped from here, it would do more the longer a busy machine takes to notice, and there would
        // be nothing left for the last kills.
        let share = Self.total / Self.kills / 2
        for number in 0..<Self.kills {
            let member = try member("run-\(number)", ["--stop-after": "\(Int.random(in: share / 2...share))"])
            try await member.process.waitUntilStopped(within: .seconds(60))
            // Handlers that are in step have all ended for a moment now and then.
            var stops = 1
            while await inFlight(Run(member.entries())) < Self.leastInFlight {
                try #require(stops < 50, "messages in flight in run \(number)")
                stops += 1
                try member.process.say("stop-after 10")
                member.process.proceed()
                try await member.process.waitUntilStopped(within: .seconds(60))
            }
            member.process.kill()
            var run = Run(member.entries())
            try await afterRun(&run)
            runs.append(run)
        }
        let last = try member("last", ["--until-end": "yes"])
        try await last.process.lines.wait(within: .seconds(120), for: "the rest") {
            $0.contains { $0.hasPrefix("ended") }
        }
        #expect(try await last.process.finish() == 0)
        var run = Run(last.entries())
        try await afterRun(&run)
        runs.append(run)
        return runs
    }

    private func done(_ checkpoint: Checkpoint?) -> Set<Int64> {
        guard let checkpoint else { return [] }
        return Set(0..<checkpoint.nextOffset).union(checkpoint.completed.joined())
    }

    private func expectProgress(_ runs: [Run]) {
        for (number, (run, next)) in zip(runs, runs.dropFirst()).enumerated() {
            #expect(run.saved.subtracting(next.saved) == [], "kill \(number + 2): checkpoints never go backwards (R11)")
        }
        #expect(Self.everything.subtracting(runs.last?.saved ?? []) == [])
        for (number, run) in runs.enumerated() {
            for (key, steps) in Dictionary(grouping: run.entries, by: \.key) {
                let offsets = steps.map(\.offset)
                #expect(offsets == offsets.sorted(), "run \(number), key \(key): order (R2)")
                let alternates = zip(steps, steps.dropFirst()).allSatisfy { $0.isDone != $1.isDone }
                #expect(alternates, "run \(number), key \(key): overlap (R2)")
            }
        }
    }
}

/// What is printed about the kills: a line for each, and a last one for the run that nobody killed.
private struct KillTable {
    private let name: String
    private var rows: [(done: Int, inFlight: Int, repeated: Int)] = []

    init(_ name: String) {
        self.name = name
    }

    mutating func add(done: Int, inFlight: Int, repeated: Int) {
        rows.append((done, inFlight, repeated))
    }

    /// How many messages were in flight when there were the fewest.
    var leastInFlight: Int { rows.dropLast().map(\.inFlight).min() ?? 0 }

    func end(lost: Int) {
        func line(_ fields: [String]) -> String {
            fields.map { String(repeating: " ", count: max(0, 10 - $0.count)) + $0 }.joined()
        }
        var lines = ["killed consumer, \(name):", line(["kill", "done", "in flight", "repeated"])]
        for (number, row) in rows.enumerated() {
            let kill = number + 1 < rows.count ? "\(number + 1)" : "end"
            lines.append(line([kill, "\(row.done)", "\(row.inFlight)", "\(row.repeated)"]))
        }
        lines.append("    \(lost) lost, \(rows.map(\.repeated).reduce(0, +)) done twice")
        print(lines.joined(separator: "\n"))
    }
}
