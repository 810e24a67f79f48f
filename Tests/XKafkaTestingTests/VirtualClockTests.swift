import Testing
import XKafka
import XKafkaTesting

/// Time that passes without waiting.
@Suite(.timeLimit(.minutes(1))) struct VirtualClockTests {
    @Test func sleepingMovesItOn() async throws {
        let clock = VirtualClock(sleepLimit: 3)
        let start = clock.now
        try await clock.sleep(for: .seconds(3_600))
        #expect(start.duration(to: clock.now) == .seconds(3_600))
        // What has passed already is not slept for.
        try await clock.sleep(until: start.advanced(by: .seconds(1)))
        #expect(clock.sleeps == [.seconds(3_600), .zero])
        #expect(clock.now == start.advanced(by: .seconds(3_600)))
        try await clock.sleep(for: .zero)
        await #expect(throws: VirtualClockError.self) { try await clock.sleep(for: .zero) }
    }

    @Test func cancelledTasksDoNotSleep() async throws {
        let clock = VirtualClock()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            try await clock.sleep(for: .seconds(1))
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(clock.sleeps.isEmpty)
    }

    @Test func bothRetriesWaitOnIt() async throws {
        struct Failure: Error {}
        let clock = VirtualClock()
        let config = RetryConfig(maxRetries: 2, jitter: false)
        let consume = composeConsume([ConsumeRetry(config, clock: clock)]) { message in
            if message.attempt < 3 { throw Failure() }
        }
        try await consume(ConsumeContext(topic: "orders"))
        #expect(clock.sleeps == [.milliseconds(100), .milliseconds(200)])
        let transport = RecordingTransport()
        transport.fail(with: Failure(), times: 2)
        let produce = composeProduce([try ProduceRetry(config, clock: clock)], transport.send)
        let result = try await produce(ProduceContext(ProduceMessage(topic: "orders", value: "v")))
        #expect(result.attempt == 3)
        #expect(clock.sleeps.suffix(2) == [.milliseconds(100), .milliseconds(200)])
    }
}
