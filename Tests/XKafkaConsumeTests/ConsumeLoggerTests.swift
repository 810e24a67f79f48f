import Logging
import Testing
import XKafkaConsume
import XKafkaCore
import XKafkaTestingInternal

@Suite(.timeLimit(.minutes(1))) struct ConsumeLoggerTests {
    private let message = ConsumeContext(topic: "orders", partition: 2, offset: 7, key: "k", value: "v")
    private let quick = RetryConfig(maxRetries: 1, initialBackoff: .milliseconds(1))

    @Test func successLeavesOneLine() async throws {
        let log = RecordedLog()
        try await composeConsume([ConsumeLogger(log.logger)]) { _ in }(message)
        #expect(log.lines == ["debug xkafka handle success"])
        let fields = try #require(log.entries.first?.fields)
        #expect(
            Set(fields.keys) == [
                "duration", "topic", "partition", "offset", "logical_key", "shard", "attempt", "result",
            ]
        )
        #expect(fields["result"] == "success" && fields["logical_key"] == "k")

        let loud = RecordedLog(level: .info)
        try await composeConsume([ConsumeLogger(loud.logger)]) { _ in }(message)
        #expect(loud.lines == [])
        try await composeConsume([ConsumeLogger(loud.logger, successLevel: .info)]) { _ in }(message)
        #expect(loud.lines == ["info xkafka handle success"])
    }

    @Test func failureLeavesAnErrorWithTheLastAttempt() async throws {
        let log = RecordedLog()
        let chain = composeConsume([
            ConsumeLogger(log.logger), ConsumeRetry(quick, policy: .stop, logger: log.logger),
        ]) { try FailingHandler(failures: .max).handle($0) }
        await #expect(throws: ConsumerError.self) { try await chain(message) }
        #expect(
            log.lines == [
                "warning xkafka retrying message", "error xkafka stop consuming message", "error xkafka handle failed",
            ]
        )
        let fields = try #require(log.entries.last?.fields)
        #expect(fields["result"] == "error" && fields["attempt"] == "2")
        #expect(fields["error"] == "handle message exhausted retries (orders:2@7): no luck")
    }

    @Test func deadLettersAndCancellationAreLoggedAsWhatTheyAre() async throws {
        let log = RecordedLog()
        let letters = RecordedLetters()
        let chain = composeConsume([
            ConsumeLogger(log.logger),
            ConsumeRetry(quick, policy: .dlqCommit, deadLetters: letters, logger: log.logger),
        ]) { try FailingHandler(failures: .max).handle($0) }
        try await chain(message)
        #expect(log.lines.last == "warning xkafka handle dead-lettered")
        #expect(log.entries.last?.fields["result"] == "dead_letter")
        #expect(log.entries.last?.fields["error"] == "no luck")

        let started = Collector<Bool>()
        let sleeping = composeConsume([ConsumeLogger(log.logger)]) { _ in
            started.add(true)
            try await Task.sleep(for: .seconds(600))
        }
        let task = Task { [message] in try await sleeping(message) }
        try await started.wait(forCount: 1)
        task.cancel()
        _ = await task.result
        #expect(log.lines.last == "debug xkafka handle cancelled")
    }

    @Test func contentsOfMessagesAreNotLogged() async throws {
        let log = RecordedLog()
        let secret = ConsumeContext(topic: "orders", key: "k", value: "s3cret", headers: ["token": "s3cret"])
        let chain = composeConsume([ConsumeLogger(log.logger), ConsumeRetry(quick, policy: .stop, logger: log.logger)])
        {
            try FailingHandler(failures: .max).handle($0)
        }
        await #expect(throws: ConsumerError.self) { try await chain(secret) }
        for entry in log.entries { #expect(!"\(entry.message) \(entry.fields)".contains("s3cret")) }
    }
}
