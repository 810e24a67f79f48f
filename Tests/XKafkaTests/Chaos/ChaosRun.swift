import Foundation
import Logging
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Carries out a schedule: brokers in a process of their own, a process for each member, and a producer here.
final class ChaosRun {
    static let sessionTimeout = 3_500
    static let heartbeatInterval = 300
    static let commitInterval = 100
    static let drainDeadline = 1_000
    static let handlers = 16
    static let byteBudget = 8 * 1_024 * 1_024
    /// How often a message that failed is tried again before it becomes a dead letter.
    static let retries = 2
    private static let deadLetterTopic = "orders-dead"

    private let seed: UInt64
    private let schedule: ChaosSchedule
    private let folder: URL
    private let broker: EmbeddedBroker
    private var processes: [Int: MemberProcess] = [:]
    private var record = ChaosRecord()

    private init(_ schedule: ChaosSchedule, seed: UInt64, folder: URL) throws {
        self.schedule = schedule
        self.seed = seed
        self.folder = folder
        // In a process of its own, because brokers that go down do not get along with starting processes.
        broker = try EmbeddedBroker.start(
            brokers: ChaosSchedule.brokers,
            topics: [ChaosSchedule.topic: ChaosSchedule.partitions, Self.deadLetterTopic: 1],
            in: .childProcess
        )
    }

    /// Plays a schedule to its end, and then waits until all is handled and committed, for as long as something is
    /// committed within `settling`.
    ///
    /// - Parameter folder: where members write their ledgers.
    static func play(
        _ schedule: ChaosSchedule,
        seed: UInt64,
        settling: Duration,
        in folder: URL
    ) async throws -> ChaosRecord {
        let run = try ChaosRun(schedule, seed: seed, folder: folder)
        defer { run.broker.stop() }
        return try await run.play(settling: settling)
    }

    private func play(settling: Duration) async throws -> ChaosRecord {
        for member in 0..<ChaosSchedule.firstMembers { try join(member) }
        let load = ChaosLoad()
        let producer = try Producer(.testing(broker, topic: ChaosSchedule.topic))
        let seed = seed
        async let sending: Void = load.run(producer, seed: seed)
        do {
            let processes = Array(processes.values)
            try await eventually("the first message to be handled") {
                processes.contains { $0.doneCount() > 0 }
            }
            try await carryOut()
        } catch {
            load.stop()
            throw error
        }
        load.stop()
        try await sending
        await producer.close()
        load.note(in: &record)
        record.isSettled = try await settle(within: settling)
        record.endTime = LedgerLine.now
        try await endMembers()
        record.deadLetters = try await deadLetters()
        return record
    }

    // MARK: Schedule

    private func carryOut() async throws {
        let start = ContinuousClock.now
        var next = start
        for entry in schedule.entries {
            while start + entry.time > next {
                try await Task.sleep(until: min(next, start + entry.time))
                if ContinuousClock.now >= next {
                    sampleMemory()
                    next += .milliseconds(500)
                }
            }
            try await Task.sleep(until: start + entry.time)
            try await perform(entry.action)
        }
    }

    private func perform(_ action: ChaosSchedule.Action) async throws {
        switch action {
        case .join(let member): try join(member)
        case .leave(let member): try await leave(member)
        case .kill(let member):
            record.members[member].killTime = LedgerLine.now
            end(member)
        case .freeze(let member):
            record.members[member].freezes.append((LedgerLine.now, .max))
            try await processes[member]?.process.pause()
        case .thaw(let member):
            processes[member]?.process.proceed()
            if let last = record.members[member].freezes.indices.last {
                record.members[member].freezes[last].end = LedgerLine.now
            }
        case .fault(let fault), .mend(let fault): try broker.inject(fault)
        }
        testLogger.info("chaos", metadata: ["action": "\(action)", "time": "\(LedgerLine.now)"])
    }

    // MARK: Members

    private func join(_ member: Int) throws {
        let name = "member \(member)"
        processes[member] = try MemberProcess(
            broker,
            group: ChaosSchedule.group,
            topic: ChaosSchedule.topic,
            ledger: folder.appendingPathComponent("\(member)"),
            [
                "--session-timeout": "\(Self.sessionTimeout)", "--heartbeat-interval": "\(Self.heartbeatInterval)",
                "--commit-interval": "\(Self.commitInterval)", "--drain-deadline": "\(Self.drainDeadline)",
                "--handlers": "\(Self.handlers)", "--retries": "\(Self.retries)",
                "--byte-budget": "\(Self.byteBudget)", "--dead-letters": Self.deadLetterTopic,
                "--script": "\(Int64(bitPattern: seed))",
                "--log": "\(testLogger.logLevel)",
            ]
        )
        record.members.append(.init(name: name))
    }

    /// Lets a member end by itself; it is not waited for.
    private func leave(_ member: Int) async throws {
        processes[member]?.process.closeInput()
    }

    /// Kills a member, and notes what it did.
    private func end(_ member: Int) {
        guard let process = processes.removeValue(forKey: member) else { return }
        process.process.kill()
        note(process, member)
    }

    private func note(_ process: MemberProcess, _ member: Int) {
        record.members[member].lines = MemberProcess.lines(of: process.ledger)
        record.members[member].ending = process.process.lines.values.last
    }

    private func endMembers() async throws {
        for (member, process) in processes.sorted(by: { $0.key < $1.key }) {
            process.process.closeInput()
            record.members[member].exitStatus = nil
        }
        for (member, process) in processes.sorted(by: { $0.key < $1.key }) {
            record.members[member].exitStatus = try await process.process.finish()
            // What it said last is on its way still.
            try? await process.process.lines.wait(within: .seconds(5), for: "the member's last word") {
                $0.last.map { $0.hasPrefix("ended") || $0.hasPrefix("failed") } ?? false
            }
            note(process, member)
        }
        processes = [:]
    }

    private func sampleMemory() {
        for (member, process) in processes {
            // One that is ending has none.
            guard let size = try? process.process.kibibytes("VmRSS") else { continue }
            record.members[member].memory.append((LedgerLine.now, size))
        }
    }

    // MARK: End

    /// Waits until everything in the log is committed, for as long as there is progress within `limit`.
    private func settle(within limit: Duration) async throws -> Bool {
        let inspector = ClusterInspector(brokers: broker.brokers)
        var deadline = ContinuousClock.now + limit
        var best: Int64 = 0
        while ContinuousClock.now < deadline {
            // A coordinator that has just moved may not answer.
            if let ends = try? await inspector.endOffsets(of: ChaosSchedule.topic),
                let committed = try? await inspector.committedOffsets(
                    ofGroup: ChaosSchedule.group,
                    topic: ChaosSchedule.topic
                )
            {
                if committed == ends.filter({ $0.value > 0 }) { return true }
                let sum = committed.values.reduce(0, +)
                if sum > best {
                    best = sum
                    deadline = .now + limit
                }
            }
            sampleMemory()
            try await Task.sleep(for: .milliseconds(200))
        }
        return false
    }

    private func deadLetters() async throws -> [ChaosRecord.DeadLetter] {
        // One partition, or kcat would stop at the first end of one that it comes to.
        let output = try await Kcat.run([
            "-C", "-b", broker.bootstrapServers, "-t", Self.deadLetterTopic, "-e", "-q", "-f", "%s %h\\n",
        ])
        guard output.status == 0 else { throw ProgramFailed(what: "kcat: \(output.standardError)") }
        return output.lines.compactMap { line in
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let number = Int(words[0]) else { return nil }
            var headers: [Substring: Substring] = [:]
            for header in words[1].split(separator: ",") {
                let parts = header.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { headers[parts[0]] = parts[1] }
            }
            guard
                let partition = headers["x-source-partition"].flatMap({ Int32($0) }),
                let offset = headers["x-source-offset"].flatMap({ Int64($0) })
            else { return nil }
            return .init(number: number, place: .init(partition: partition, offset: offset))
        }
    }
}
