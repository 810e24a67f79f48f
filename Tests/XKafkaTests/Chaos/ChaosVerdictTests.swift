import Testing
import XKafkaTestingInternal

/// The checks of a chaos run bite: each record below breaks one rule, and that one is reported.
@Suite struct ChaosVerdictTests {
    private static let limits = ChaosVerdict.Limits(
        stall: 10_000,
        repeatedAge: 1_000,
        memoryGrowth: 1_000,
        warmUp: 1_000,
        lastAttempt: 3
    )

    /// Two members that handle a key's messages 0 to 5, the first half each; it can be spoilt.
    private static func soundRecord() -> ChaosRecord {
        var record = ChaosRecord()
        for number in 0..<6 {
            record.acknowledged.append(
                .init(number: number, key: "k", partition: 0, offset: Int64(number), time: number * 100)
            )
        }
        record.sent = 6
        record.isSettled = true
        for member in 0..<2 {
            var lines: [LedgerLine] = []
            for offset in member * 3..<member * 3 + 3 {
                lines.append(line(.start, 100 * offset + 10, offset))
                lines.append(line(.done, 100 * offset + 60, offset))
            }
            record.members.append(
                .init(name: "member \(member)", lines: lines, ending: "ended: well", exitStatus: 0)
            )
        }
        return record
    }

    private static func line(
        _ what: LedgerLine.What,
        _ time: Int,
        _ offset: Int,
        attempt: Int = 1,
        epoch: UInt64 = 1
    ) -> LedgerLine {
        LedgerLine(
            what,
            time: time,
            partition: 0,
            offset: Int64(offset),
            key: "k",
            number: offset,
            attempt: attempt,
            epoch: epoch
        )
    }

    private func verdict(_ spoil: (inout ChaosRecord) -> Void) -> ChaosVerdict {
        var record = Self.soundRecord()
        spoil(&record)
        return ChaosVerdict(record, Self.limits)
    }

    @Test func soundRecordIsSound() {
        let verdict = verdict { _ in }
        #expect(verdict.problems == [])
        #expect(verdict.duplicates == 0)
        #expect(LedgerLine(Self.line(.start, 3, 4).text) == Self.line(.start, 3, 4))
    }

    @Test func lostMessagesAreFound() {
        let verdict = verdict { $0.members[1].lines.removeLast(2) }
        #expect(verdict.lost.count == 1)
        #expect(verdict.problems.count == 1)
    }

    /// What failed at every attempt is not lost when it is a dead letter, and lost when it is none.
    @Test func deadLettersCount() {
        func fail(_ record: inout ChaosRecord) {
            record.members[1].lines.removeLast(2)
            for attempt in 1...3 {
                record.members[1].lines.append(Self.line(.start, 500 + attempt * 10, 5, attempt: attempt))
                record.members[1].lines.append(Self.line(.failed, 505 + attempt * 10, 5, attempt: attempt))
            }
        }
        #expect(verdict { fail(&$0) }.lost.count == 1)
        let letter = ChaosRecord.DeadLetter(number: 5, place: .init(partition: 0, offset: 5))
        let given = verdict { record in
            fail(&record)
            record.deadLetters = [letter]
        }
        #expect(given.problems == [])
        let untried = verdict { record in
            record.members[1].lines.removeLast(2)
            record.deadLetters = [letter]
        }
        #expect(!untried.lost.isEmpty, "a letter for a message that nobody tried often enough")
    }

    @Test func overtakingIsFound() {
        let verdict = verdict { record in
            record.members[0].lines[0] = Self.line(.start, 10, 1)
            record.members[0].lines[1] = Self.line(.done, 60, 1)
            record.members[0].lines[2] = Self.line(.start, 110, 0)
            record.members[0].lines[3] = Self.line(.done, 160, 0)
        }
        #expect(!verdict.orderViolations.isEmpty)
    }

    @Test func overlapWithinAMemberIsFound() {
        let verdict = verdict { $0.members[0].lines.swapAt(1, 2) }
        #expect(!verdict.orderViolations.isEmpty)
    }

    /// Two members with the same message at the same time: allowed when the first was given up.
    @Test func overlapAcrossMembersIsFoundUnlessAllowed() {
        func overlap(_ record: inout ChaosRecord) {
            record.members[0].lines[5] = Self.line(.done, 900, 2)
            record.members[1].lines.insert(contentsOf: [Self.line(.start, 250, 2), Self.line(.done, 260, 2)], at: 0)
        }
        #expect(!verdict { overlap(&$0) }.orderViolations.isEmpty)
        let lost = verdict { record in
            overlap(&record)
            record.members[0].lines.append(LedgerLine(.lost, time: 240, partition: 0))
        }
        #expect(lost.orderViolations.isEmpty)
        let abandoned = verdict { record in
            overlap(&record)
            record.members[0].lines.append(Self.line(.abandoned, 240, 2))
        }
        #expect(abandoned.orderViolations.isEmpty)
        let killed = verdict { record in
            overlap(&record)
            record.members[0].lines.removeLast()
            record.members[0].killTime = 240
        }
        #expect(killed.problems == [])
    }

    @Test func orderOfProductionIsLookedAt() {
        let verdict = verdict { record in
            let first = record.acknowledged[0]
            record.acknowledged[0] = .init(number: 1, key: "k", partition: 0, offset: 0, time: first.time)
            record.acknowledged[1] = .init(number: 0, key: "k", partition: 0, offset: 1, time: first.time)
        }
        #expect(verdict.orderViolations.contains { $0.contains("R9") })
    }

    @Test func repetitionsAreCountedAndTheirAgeIsLimited() {
        let once = verdict { record in
            record.members[1].lines.insert(contentsOf: [Self.line(.start, 270, 2), Self.line(.done, 280, 2)], at: 0)
        }
        #expect(once.duplicates == 1)
        #expect(once.problems == [])
        let old = verdict { record in
            for offset in 0..<6 { record.acknowledged[offset].time += 5_000 }
            let lines = record.members[0].lines
            record.members[0].lines = lines.prefix(2) + [Self.line(.start, 5_110, 1), Self.line(.done, 5_160, 1)]
            record.members[0].lines += [Self.line(.start, 5_210, 2), Self.line(.done, 5_260, 2)]
            record.members[1].lines = [Self.line(.start, 5_270, 0), Self.line(.done, 5_280, 0)]
            for offset in 3..<6 {
                record.members[1].lines.append(Self.line(.start, 5_300 + offset, offset))
                record.members[1].lines.append(Self.line(.done, 5_300 + offset, offset))
            }
        }
        #expect(old.oldestRepeat == 5_200)
        #expect(old.problems.count == 1)
        let frozen = verdict { record in
            record = old.record
            record.members[0].freezes = [(100, 5_000)]
        }
        #expect(frozen.oldestRepeat == 300, "time in which it stood still does not count")
    }

    @Test func stallsAreMeasured() {
        let verdict = verdict { record in
            record.members[1].lines = [Self.line(.start, 310, 3), Self.line(.done, 15_000, 3)]
            for offset in 4..<6 {
                record.members[1].lines.append(Self.line(.start, 15_010, offset))
                record.members[1].lines.append(Self.line(.done, 15_010, offset))
            }
        }
        #expect(verdict.longestStall.time == 14_700)
        #expect(verdict.problems.count == 1)
        let idle = self.verdict { record in
            record.acknowledged[5].time = 50_000
            record.members[1].lines[4] = Self.line(.start, 50_010, 5)
            record.members[1].lines[5] = Self.line(.done, 50_060, 5)
        }
        #expect(idle.problems == [], "there was nothing to do")
        let unfinished = self.verdict { record in
            record.members[1].lines.removeLast(2)
            record.endTime = 20_000
        }
        #expect(unfinished.longestStall.time == 19_500, "from its acknowledgement to the end of the run")
    }

    @Test func growingMembersAreFound() {
        let verdict = verdict { record in
            record.members[0].memory = (0..<100).map { ($0 * 500, 10_000 + $0 * 20) }
            record.members[1].memory = (0..<100).map { ($0 * 500, $0 < 2 ? 1_000 : 30_000) }
        }
        #expect(verdict.memoryGrowth.where == "member 0", "the other one grew while it was cold")
        #expect(verdict.problems.count == 1)
    }

    @Test func membersThatEndByThemselvesAreFound() {
        #expect(verdict { $0.members[0].exitStatus = 1 }.problems.count == 1)
        #expect(verdict { $0.members[0].ending = "failed: x" }.problems.count == 1)
        #expect(verdict { $0.isSettled = false }.problems.count == 1)
        #expect(verdict { $0.sent = 100 }.problems.count == 1, "next to nothing was acknowledged")
    }
}
