import Testing
import XKafkaCore

@Suite struct RetryDecisionTests {
    private func decide(
        _ attempt: Int,
        of maxRetries: Int,
        isPermanent: Bool = false,
        wasExhausted: Bool = false,
        blocks: Bool = false
    ) -> [Bool] {
        let decision = RetryConfig(maxRetries: maxRetries)
            .decide(afterAttempt: attempt, isPermanent: isPermanent, wasExhausted: wasExhausted, blocks: blocks)
        return [decision.willRetry, decision.isExhausted, decision.isNewlyExhausted]
    }

    @Test func attemptsLeftAreUsed() {
        #expect(decide(1, of: 2) == [true, false, false])
        #expect(decide(2, of: 2) == [true, false, false])
        #expect(decide(3, of: 2) == [false, true, true])
        #expect(decide(1, of: 0) == [false, true, true])
        #expect(decide(1_000_000, of: RetryConfig.infiniteRetries) == [true, false, false])
    }

    @Test func blockingGoesOnAndTellsOnce() {
        #expect(decide(3, of: 2, blocks: true) == [true, true, true])
        #expect(decide(4, of: 2, wasExhausted: true, blocks: true) == [true, true, false])
    }

    @Test func permanentErrorsLeaveNoAttempt() {
        #expect(decide(1, of: RetryConfig.infiniteRetries, isPermanent: true) == [false, true, true])
        #expect(decide(1, of: 5, isPermanent: true, blocks: true) == [true, true, true])
        // Once used up, a different error does not bring attempts back.
        #expect(decide(2, of: 5, wasExhausted: true) == [false, true, false])
    }
}
