import XKafkaTestingInternal

/// What the record of a chaos run says about the rules. Knows nothing of how the run came about.
struct ChaosVerdict: Sendable {
    /// What is compared with.
    struct Limits: Sendable {
        /// How long a partition with unhandled messages may go without a completion, in milliseconds.
        var stall: Int
        /// How long before the end of its owner's work a message may have been done that is done again, in milliseconds
        /// in which the owner ran.
        var repeatedAge: Int
        /// How much memory a member may gain once it is warm, in KiB.
        var memoryGrowth: Int
        /// From which age on a member is warm, in milliseconds.
        var warmUp: Int
        /// The number of the last attempt at a message.
        var lastAttempt: Int
    }

    /// A key of a partition: what is in order.
    struct Line: Hashable {
        let partition: Int32
        let key: String
    }

    /// A member's time with a partition.
    struct Ownership: Hashable {
        let member: Int
        let partition: Int32
        let epoch: UInt64
    }

    /// An attempt at a message, from its start to its end, or to the death of its member.
    struct Attempt {
        let member: Int
        let start: LedgerLine
        var end: LedgerLine?
        let endTime: Int

        var place: MemberProcess.Place { .init(partition: start.partition, offset: start.offset) }
        var ownership: Ownership { .init(member: member, partition: start.partition, epoch: start.epoch) }
    }

    let record: ChaosRecord
    let limits: Limits
    private(set) var lost: [String] = []
    private(set) var orderViolations: [String] = []
    private(set) var duplicates = 0
    private(set) var oldestRepeat = 0
    private(set) var longestStall = (time: 0, where: "")
    private(set) var memoryGrowth = (kibibytes: 0, where: "")
    private(set) var brokenMembers: [String] = []

    /// By line, in the order of their starts.
    private var attempts: [Line: [Attempt]] = [:]
    /// When a message was first done, or given up as a dead letter.
    private var settled: [MemberProcess.Place: Int] = [:]

    init(_ record: ChaosRecord, _ limits: Limits) {
        self.record = record
        self.limits = limits
        collectAttempts()
        collectSettled()
        findLost()
        checkOrder()
        checkOverlaps()
        countDuplicates()
        findStalls()
        measureMemory()
        checkMembers()
    }

    /// Everything that must not be.
    var problems: [String] {
        var problems: [String] = []
        func add(_ what: String, _ found: [String]) {
            if !found.isEmpty { problems.append("\(found.count) \(what): \(found.prefix(5).joined(separator: "; "))") }
        }
        add("lost (R1)", lost)
        add("order violations (R2)", orderViolations)
        add("members in trouble", brokenMembers)
        if !record.isSettled { problems.append("not everything was committed in the end (R4)") }
        if oldestRepeat > limits.repeatedAge {
            problems.append("a message was repeated that was done \(oldestRepeat) ms before its owner's end")
        }
        if longestStall.time > limits.stall {
            problems.append("no completion for \(longestStall.time) ms in \(longestStall.where) (R4)")
        }
        if memoryGrowth.kibibytes > limits.memoryGrowth {
            problems.append("\(memoryGrowth.where) grew by \(memoryGrowth.kibibytes) KiB (R6)")
        }
        if record.acknowledged.count < record.sent * 9 / 10 {
            problems.append(
                "only \(record.acknowledged.count) of \(record.sent) messages were acknowledged; "
                    + "\(record.failed.prefix(3))"
            )
        }
        return problems
    }

    // MARK: What happened

    private mutating func collectAttempts() {
        for (index, member) in record.members.enumerated() {
            var open: [Line: Int] = [:]
            var own: [Line: [Attempt]] = [:]
            for line in member.lines where line.what != .lost && line.what != .abandoned {
                let key = Line(partition: line.partition, key: line.key)
                guard line.what != .start else {
                    if let before = open[key].flatMap({ own[key]?[$0] }) {
                        orderViolations.append("\(member.name): \(line.text) begins while \(before.start.text) runs")
                    }
                    open[key] = own[key]?.count ?? 0
                    own[key, default: []].append(
                        Attempt(member: index, start: line, end: nil, endTime: member.killTime ?? .max)
                    )
                    continue
                }
                guard let position = open.removeValue(forKey: key), let start = own[key]?[position].start,
                    start.offset == line.offset, start.attempt == line.attempt
                else {
                    orderViolations.append("\(member.name): \(line.text) ends what has not begun")
                    continue
                }
                own[key]?[position] = Attempt(member: index, start: start, end: line, endTime: line.time)
            }
            for (key, list) in own { attempts[key, default: []] += list }
        }
        for key in attempts.keys { attempts[key]?.sort { $0.start.time < $1.start.time } }
    }

    private mutating func collectSettled() {
        let letters = Set(record.deadLetters.map(\.place))
        for attempt in attempts.values.joined() {
            guard let end = attempt.end else { continue }
            let isDeadLetter =
                end.what == .failed && end.attempt >= limits.lastAttempt && letters.contains(attempt.place)
            guard end.what == .done || isDeadLetter else { continue }
            settled[attempt.place] = min(settled[attempt.place] ?? .max, end.time)
        }
    }

    // MARK: Rules

    private mutating func findLost() {
        for message in record.acknowledged.sorted(by: { $0.number < $1.number }) {
            let place = MemberProcess.Place(partition: message.partition, offset: message.offset)
            if settled[place] == nil {
                lost.append("\(message.number) at \(message.partition)@\(message.offset), key \(message.key)")
            }
        }
        // What was given up is in the topic with its own number.
        for letter in record.deadLetters where settled[letter.place] == nil {
            lost.append("the dead letter \(letter.number) stands for a message that nobody tried so often")
        }
    }

    /// No message begins before all earlier ones of its key were done, by whomever (R2), whatever was repeated; and
    /// within an ownership each begins after the one before it.
    private mutating func checkOrder() {
        for (key, attempts) in attempts {
            let offsets = Set(attempts.map(\.start.offset)).sorted()
            var doneBefore: [Int64: Int] = [:]
            var latest = Int.min
            for offset in offsets {
                doneBefore[offset] = latest
                latest = max(latest, settled[.init(partition: key.partition, offset: offset)] ?? .max)
            }
            var last: [Ownership: LedgerLine] = [:]
            for attempt in attempts {
                let start = attempt.start
                if start.time < doneBefore[start.offset] ?? .min {
                    orderViolations.append("\(record.members[attempt.member].name): \(start.text) overtakes")
                }
                if let before = last[attempt.ownership],
                    (before.offset, before.attempt) >= (start.offset, start.attempt)
                {
                    orderViolations.append("\(start.text) comes after \(before.text)")
                }
                last[attempt.ownership] = start
            }
        }
        // The producer's order, on the way (R9).
        var last: [Line: ChaosRecord.Acknowledged] = [:]
        for message in record.acknowledged.sorted(by: { $0.number < $1.number }) {
            let key = Line(partition: message.partition, key: message.key)
            if let before = last[key], before.offset >= message.offset {
                orderViolations.append("\(message.number) is before \(before.number) in the log (R9)")
            }
            last[key] = message
        }
    }

    /// Two members are busy with a key at the same time only when one of them was given up: it was killed, its
    /// partition was lost, or its handler abandoned (R2).
    private mutating func checkOverlaps() {
        for attempts in attempts.values {
            for (index, later) in attempts.enumerated() {
                for earlier in attempts[..<index].reversed().prefix(20)
                where earlier.member != later.member && earlier.endTime > later.start.time {
                    if !isGivenUp(earlier), !isGivenUp(later) {
                        orderViolations.append(
                            "\(record.members[later.member].name): \(later.start.text) begins while "
                                + "\(record.members[earlier.member].name) runs \(earlier.start.text)"
                        )
                    }
                }
            }
        }
    }

    private func isGivenUp(_ attempt: Attempt) -> Bool {
        let member = record.members[attempt.member]
        if attempt.end == nil, member.killTime != nil { return true }
        return member.lines.contains { line in
            guard line.partition == attempt.start.partition, line.time >= attempt.start.time else { return false }
            return line.what == .lost || line.what == .abandoned && line.offset == attempt.start.offset
        }
    }

    private mutating func countDuplicates() {
        var ends: [Ownership: Int] = [:]
        for attempt in attempts.values.joined() {
            guard let time = attempt.end?.time else { continue }
            ends[attempt.ownership] = max(ends[attempt.ownership] ?? 0, time)
        }
        var done: [MemberProcess.Place: [Attempt]] = [:]
        for attempt in attempts.values.joined() where attempt.end?.what == .done {
            done[attempt.place, default: []].append(attempt)
        }
        for repetitions in done.values where repetitions.count > 1 {
            duplicates += repetitions.count - 1
            for attempt in repetitions.sorted(by: { $0.endTime < $1.endTime }).dropLast() {
                let end = ends[attempt.ownership] ?? attempt.endTime
                let frozen = record.members[attempt.member].freezes.reduce(0) { sum, freeze in
                    sum + max(0, min(end, freeze.end) - max(attempt.endTime, freeze.start))
                }
                oldestRepeat = max(oldestRepeat, end - attempt.endTime - frozen)
            }
        }
        let letters = Dictionary(grouping: record.deadLetters, by: \.place)
        duplicates += letters.values.reduce(0) { $0 + $1.count - 1 }
    }

    /// The longest time that a partition had acknowledged messages that nobody had handled, and none was completed.
    private mutating func findStalls() {
        var events: [Int32: [(time: Int, change: Int)]] = [:]
        for message in record.acknowledged {
            let place = MemberProcess.Place(partition: message.partition, offset: message.offset)
            events[message.partition, default: []].append((message.time, 1))
            // The acknowledgement may come after the message was handled.
            if let time = settled[place] {
                events[message.partition, default: []].append((max(time, message.time), -1))
            }
        }
        for attempt in attempts.values.joined() where attempt.end?.what == .done {
            events[attempt.start.partition, default: []].append((attempt.endTime, 0))
        }
        let end = max(record.endTime, events.values.joined().map(\.time).max() ?? 0)
        for (partition, list) in events {
            var open = 0
            var progress = 0
            for event in list.sorted(by: { ($0.time, $0.change) < ($1.time, $1.change) }) + [(end, 0)] {
                if open > 0, event.change <= 0, event.time - progress > longestStall.time {
                    longestStall = (event.time - progress, "partition \(partition), up to \(event.time)")
                }
                if open == 0 || event.change <= 0 { progress = event.time }
                open += event.change
            }
        }
    }

    private mutating func measureMemory() {
        for member in record.members {
            guard let start = member.memory.first?.time else { continue }
            let warm = member.memory.filter { $0.time >= start + limits.warmUp }
            // The middle of a few: a single sample may catch a moment.
            guard let first = Self.median(warm.prefix(5)), let last = Self.median(warm.suffix(5)) else { continue }
            if last - first > memoryGrowth.kibibytes { memoryGrowth = (last - first, member.name) }
        }
    }

    private static func median(_ samples: ArraySlice<(time: Int, kibibytes: Int)>) -> Int? {
        let sorted = samples.map(\.kibibytes).sorted()
        return sorted.isEmpty ? nil : sorted[sorted.count / 2]
    }

    /// Nobody ends but who was told to.
    private mutating func checkMembers() {
        for member in record.members where member.killTime == nil {
            if member.exitStatus != 0 || member.ending?.hasPrefix("ended") != true {
                brokenMembers.append(
                    "\(member.name) ended with \(member.exitStatus ?? -1): \(member.ending ?? "without a word")"
                )
            }
        }
    }
}
