import Testing
import XKafkaEngine

@Suite struct IntakePlanTests {
    private func steps(_ arrivals: [IntakePlan.Arrival], after last: Int64 = -1) -> ([IntakePlan.Step], last: Int64) {
        var lastOffset = last
        let steps = IntakePlan.steps(for: arrivals.count, after: &lastOffset) { arrivals[$0] }
        return (steps, lastOffset)
    }

    private func messages(_ offsets: Int64...) -> [IntakePlan.Arrival] { offsets.map { .message(offset: $0) } }

    @Test func messagesOfALogAreHandedOverTogether() {
        #expect(steps(messages(0, 1, 2)) == ([.handOver(0..<3)], 2))
        #expect(steps(messages(7, 9, 12), after: 6) == ([.handOver(0..<3)], 12), "gaps are no reset")
        #expect(steps([]) == ([], -1))
    }

    /// R1: what comes before the reset is a matter of the old log, and is handed over before the new one begins.
    @Test func messagesBeforeAResetAreHandedOverBeforeIt() {
        #expect(
            steps(messages(8, 9, 0, 1), after: 7)
                == ([.handOver(0..<2), .restart(after: 9), .handOver(2..<4)], 1)
        )
        #expect(steps(messages(0, 1), after: 9) == ([.restart(after: 9), .handOver(0..<2)], 1))
        #expect(
            steps(messages(5, 5, 5), after: 4)
                == (
                    [
                        .handOver(0..<1), .restart(after: 5), .handOver(1..<2), .restart(after: 5), .handOver(2..<3),
                    ], 5
                )
        )
    }

    @Test func endsAndFailuresAreNotedInTheirPlace() {
        #expect(
            steps(messages(0, 1) + [.end(offset: 5)] + messages(5))
                == ([.handOver(0..<2), .note(2), .handOver(3..<4)], 5)
        )
        #expect(
            steps([.end(offset: 5)] + messages(4))
                == ([.note(0), .restart(after: 4), .handOver(1..<2)], 4),
            "there was no such message when the end was at 5"
        )
        #expect(steps([.end(offset: 2)], after: 7) == ([.note(0)], 7), "an end says nothing of a reset")
        #expect(steps([.failure] + messages(3), after: 2) == ([.note(0), .handOver(1..<2)], 3))
    }
}
