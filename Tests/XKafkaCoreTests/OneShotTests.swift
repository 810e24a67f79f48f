import Testing
import XKafkaCore

@Suite struct OneShotTests {
    @Test func everyWaiterGetsTheFirstValue() async throws {
        let shot = OneShot<Int>()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 { group.addTask { try await shot.wait() } }
            group.addTask {
                #expect(shot.resolve(1))
                #expect(!shot.resolve(2))
                return 1
            }
            for try await value in group { #expect(value == 1) }
        }
        #expect(try await shot.wait() == 1)
        #expect(shot.current == 1)
    }

    @Test func cancellingGivesUpOnlyTheWaiting() async throws {
        let shot = OneShot<Int>()
        let patient = Task { try await shot.wait() }
        let hasty = Task { try await shot.wait() }
        hasty.cancel()
        await #expect(throws: CancellationError.self) { try await hasty.value }
        shot.resolve(7)
        #expect(try await patient.value == 7)
    }

    @Test func cancelledBeforeWaitingStillSeesAValueThatIsThere() async throws {
        let shot = OneShot<Int>()
        shot.resolve(3)
        let waiting = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await shot.wait()
        }
        #expect(try await waiting.value == 3)
    }

    /// Resolving, waiting and cancelling at the same time never loses a waiter (R10).
    @Test func racesAlwaysEnd() async {
        for _ in 0..<500 {
            let shot = OneShot<Int>()
            let waiter = Task { try await shot.wait() }
            async let resolved = shot.resolve(1)
            waiter.cancel()
            _ = await resolved
            _ = await waiter.result
        }
    }

    @Test func waitingInSpiteOfCancellation() async {
        let shot = OneShot<Int>()
        let waiting = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await shot.waitIgnoringCancellation()
        }
        shot.resolve(9)
        #expect(await waiting.value == 9)
    }
}
