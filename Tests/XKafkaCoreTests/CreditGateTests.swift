import Testing
import XKafkaCore

@Suite struct CreditGateTests {
    private struct Closed: Error {}

    @Test func boundsMessagesAndBytes() async throws {
        let gate = CreditGate(messages: 2, bytes: 100)
        try await gate.enter(bytes: 60)
        let big = Task { try await gate.enter(bytes: 60) }
        let small = Task { try await gate.enter(bytes: 1) }
        await Task.yield()
        #expect(gate.messagesInside <= 2)
        gate.leave(bytes: 60)
        // Whoever came first is not overtaken for being big; both fit now.
        try await big.value
        try await small.value
        #expect(gate.messagesInside == 2)
    }

    @Test func messageLargerThanTheBoundGoesAlone() async throws {
        let gate = CreditGate(messages: 10, bytes: 5)
        try await gate.enter(bytes: 1_000)
        let second = Task { try await gate.enter(bytes: 1) }
        await Task.yield()
        #expect(gate.messagesInside == 1)
        gate.leave(bytes: 1_000)
        try await second.value
    }

    @Test func severalEnterTogetherOrNotAtAll() async throws {
        let gate = CreditGate(messages: 5, bytes: 100)
        #expect(gate.enterAtOnce(messages: 3, bytes: 60))
        #expect(!gate.enterAtOnce(messages: 3, bytes: 3), "too many messages")
        #expect(!gate.enterAtOnce(messages: 2, bytes: 41), "too many bytes")
        #expect((gate.messagesInside, gate.bytesInside) == (3, 60))
        #expect(gate.enterAtOnce(messages: 2, bytes: 40))
        let waiting = Task { try await gate.enter(bytes: 1) }
        gate.leave(messages: 5, bytes: 100)
        try await waiting.value
        gate.leave(bytes: 1)
        #expect(!gate.enterAtOnce(messages: 2, bytes: 101), "only one alone may be larger than the bound")
        #expect(gate.enterAtOnce(bytes: 101))
    }

    @Test func cancelledWaiterLetsOthersPass() async throws {
        let gate = CreditGate(messages: 1, bytes: 10)
        try await gate.enter(bytes: 1)
        let given = Task { try await gate.enter(bytes: 1) }
        let patient = Task { try await gate.enter(bytes: 1) }
        given.cancel()
        await #expect(throws: CancellationError.self) { try await given.value }
        gate.leave(bytes: 1)
        try await patient.value
    }

    @Test func closingReleasesEverybody() async throws {
        let gate = CreditGate(messages: 1, bytes: 10)
        try await gate.enter(bytes: 1)
        let waiting = (0..<10).map { _ in Task { try await gate.enter(bytes: 1) } }
        gate.close(throwing: Closed())
        for task in waiting { await #expect(throws: Closed.self) { try await task.value } }
        await #expect(throws: Closed.self) { try await gate.enter(bytes: 1) }
    }

    /// Entering, leaving and cancelling at random: the bound holds and everybody ends (R6, R10).
    @Test func racesKeepTheBound() async throws {
        let gate = CreditGate(messages: 3, bytes: 30)
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<300 {
                group.addTask {
                    let task = Task {
                        try await gate.enter(bytes: index % 17)
                        #expect(gate.messagesInside <= 3)
                        await Task.yield()
                        gate.leave(bytes: index % 17)
                    }
                    if index % 3 == 0 { task.cancel() }
                    _ = await task.result
                }
            }
        }
        #expect(gate.messagesInside == 0)
    }
}
