import Logging
import Testing
import XKafka
import XKafkaCore
import XKafkaTestingInternal

/// Handlers, retries, policies and logging, with a transport that answers as told.
@Suite(.timeLimit(.minutes(1))) struct ProducerChainTests {
    @TaskLocal private static var trace = "none"

    private func config(retries: Int = 0, _ policy: ProducerExhaustedPolicy = .stop) -> ProducerConfig {
        .scripted(retries: retries, policy)
    }

    @Test func brokersAreNotNeeded() async throws {
        let producer = try Producer(ProducerConfig(brokers: [], defaultTopic: "orders"), transport: ScriptedTransport())
        #expect(try await producer.produce(ProduceMessage(value: "x")).topic == "orders")
        #expect(try await producer.produce(ProduceMessage(topic: "other", value: "x")).topic == "other")
        await producer.close()
    }

    @Test func attemptsAreCounted() async throws {
        let transport = ScriptedTransport { _, before in if before < 2 { throw SendFailed() } }
        let attempts = Collector<Int>()
        var config = config(retries: 5)
        config.handlers = [
            ProduceMiddleware { message, next in
                attempts.add(message.attempt)
                return try await next(message)
            }
        ]
        let producer = try Producer(config, transport: transport)
        #expect(try await producer.produce(ProduceMessage(value: "x")).attempt == 3)
        #expect(attempts.values == [1, 2, 3], "handlers run once per attempt")
        await producer.close()
    }

    /// R10: after a fatal error what waits behind a handler that does not end is told so, in every lane.
    @Test func fatalErrorEndsWhatWaitsInEveryLane() async throws {
        let release = OneShot<Void>()
        let started = Collector<Bool>()
        var config = config()
        config.handlers = [
            ProduceMiddleware { message, next in
                if message.message.value == "hangs" {
                    started.add(true)
                    await release.waitIgnoringCancellation()
                }
                return try await next(message)
            }
        ]
        let fatal = KafkaError(code: .fatal, name: "_FATAL", text: "fatal", errorClass: .fatal, operation: "produce")
        let producer = try Producer(
            config,
            transport: ScriptedTransport { value, _ in if value == "fatal" { throw fatal } }
        )
        var waiting: [ProduceFuture] = []
        for number in 0..<20 {
            _ = try await producer.produceAsync(ProduceMessage(key: "\(number)", value: "hangs"))
            waiting.append(try await producer.produceAsync(ProduceMessage(key: "\(number)", value: "waits")))
        }
        try await started.wait(forCount: 20)
        await #expect(throws: (any Error).self) {
            try await producer.produce(ProduceMessage(key: "another", value: "fatal"))
        }
        for future in waiting {
            await #expect(throws: KafkaError.self) {
                try await withDeadline(.seconds(5), "an outcome") { try await future.value }
            }
        }
        release.resolve(())
        await producer.close()
    }

    @Test func exhaustedMessagesFailAsThePolicySays() async throws {
        for (policy, code, text) in [
            (ProducerExhaustedPolicy.stop, ProducerError.Code.retriesExhausted, "produce message exhausted retries: "),
            (.drop, .dropped, "producer message dropped after retries exhausted: "),
        ] {
            let log = RecordedLog()
            let events = Collector<String>()
            var config = config(retries: 1, policy)
            config.logger = log.logger
            config.failureHook = { events.add("\($0.stage) \($0.attempt) \($0.willRetry)") }
            let producer = try Producer(config, transport: ScriptedTransport { _, _ in throw SendFailed() })
            let error = await #expect(throws: ProducerError.self) {
                try await producer.produce(ProduceMessage(key: "k", value: "x"))
            }
            #expect(error?.code == code)
            #expect(error?.cause is SendFailed)
            #expect(error.map { "\($0)" } == text + "send failed")
            #expect(events.values == ["retry 1 true", "retry 2 false", "exhausted 2 false", "\(policy) 2 false"])
            #expect(
                log.lines == [
                    "warning xkafka producer retrying", "error xkafka producer \(policy)",
                    "error xkafka produce failed",
                ]
            )
            #expect(log.entries.last?.fields["attempt"] == "2")
            await producer.close()
        }
    }

    @Test func successIsLoggedWhenAskedFor() async throws {
        let log = RecordedLog()
        var config = config()
        config.logger = log.logger
        config.successLogLevel = .info
        let producer = try Producer(config, transport: ScriptedTransport())
        try await producer.produce(ProduceMessage(key: "order-1", value: "x"))
        #expect(log.lines == ["info xkafka produce success"])
        #expect(log.entries[0].fields["worker"] == "13")
        #expect(log.entries[0].fields["offset"] == "0")
        config.logsMessages = false
        let silent = try Producer(config, transport: ScriptedTransport())
        try await silent.produce(ProduceMessage(key: "order-1", value: "x"))
        #expect(log.lines.count == 1)
        await producer.close()
        await silent.close()
    }

    /// With a transport in Kafka's place there are no reports; the level counts from the next message on.
    @Test func theLevelOfTheLogMayChange() async throws {
        let log = AdjustableLog()
        var config = config()
        config.logger = log.logger
        let producer = try Producer(config, transport: ScriptedTransport())
        try await producer.produce(ProduceMessage(key: "k", value: "quiet"))
        log.level = .debug
        for _ in 0..<2 { try await producer.produce(ProduceMessage(key: "k", value: "loud")) }
        #expect(log.count(of: "xkafka produce success") > 0)
        await producer.close()
    }

    @Test func topicsHaveHandlersOfTheirOwn() async throws {
        let steps = Collector<String>()
        func handler(_ name: String) -> ProduceMiddleware {
            ProduceMiddleware { message, next in
                steps.add("\(name) \(message.topic)")
                return try await next(message)
            }
        }
        var config = config()
        config.handlers = [handler("all")]
        config.topicHandlers = [
            "more": ProduceTopicHandlers([handler("topic")]),
            "other": ProduceTopicHandlers([handler("topic")], mode: .replace),
            "bare": ProduceTopicHandlers([], mode: .replace),
        ]
        let producer = try Producer(config, transport: ScriptedTransport())
        for topic in [nil, "more", "other", "bare"] {
            try await producer.produce(ProduceMessage(topic: topic, key: "k", value: "v"))
        }
        #expect(steps.values == ["all orders", "all more", "topic more", "topic other"])
        await producer.close()
    }

    @Test func handlersMayAnswerInTheTransportsPlace() async throws {
        let transport = ScriptedTransport()
        var config = config()
        config.handlers = [
            ProduceMiddleware { message, next in
                guard message.message.key == "skip" else { return try await next(message) }
                return ProduceResult(topic: message.topic, partition: -1, offset: nil, timestamp: nil)
            }
        ]
        let producer = try Producer(config, transport: transport)
        #expect(try await producer.produce(ProduceMessage(key: "skip", value: "a")).partition == -1)
        #expect(try await producer.produce(ProduceMessage(key: "send", value: "b")).offset == 0)
        #expect(transport.begun == ["b"])
        await producer.close()
    }

    /// A retry among the handlers sends several times within one attempt of the producer's.
    @Test func handlersMayTryAgainByThemselves() async throws {
        let transport = ScriptedTransport { _, before in if before < 2 { throw SendFailed() } }
        var config = config()
        config.handlers = [
            try ProduceRetry(
                RetryConfig(maxRetries: 5, initialBackoff: .milliseconds(1)),
                policy: .stop,
                logger: testLogger
            )
        ]
        let producer = try Producer(config, transport: transport)
        try await producer.produce(ProduceMessage(key: "k", value: "a"))
        try await producer.produce(ProduceMessage(key: "k", value: "b"))
        #expect(transport.begun == ["a", "a", "a", "b", "b", "b"])
        await producer.close()
    }

    @Test func taskLocalValuesTravelWithTheMessage() async throws {
        let seen = Collector<String>()
        var config = config(retries: 1)
        config.failureHook = { _ in seen.add("hook \(Self.trace)") }
        config.handlers = [
            ProduceMiddleware { message, next in
                seen.add("handler \(Self.trace)")
                return try await next(message)
            }
        ]
        let producer = try Producer(config, transport: ScriptedTransport { _, n in if n == 0 { throw SendFailed() } })
        let future = try await Self.$trace.withValue("abc") {
            try await producer.produceAsync(ProduceMessage(key: "k", value: "x"))
        }
        _ = try await future.value
        #expect(seen.values == ["handler abc", "hook abc", "handler abc"])
        await producer.close()
    }

    @Test func workersAreLanes() async throws {
        let workers = Collector<Int>()
        let handler = ProduceMiddleware { message, next in
            workers.add(message.worker)
            return try await next(message)
        }
        for mode in [ProducerDispatchConfig.Mode.keySharded, .parallel, .serial] {
            var config = config()
            config.dispatch.mode = mode
            config.handlers = [handler]
            let producer = try Producer(config, transport: ScriptedTransport())
            for key in ["order-1", "order-2", "order-3", "same-key"] {
                try await producer.produce(ProduceMessage(key: key, value: "x"))
            }
            try await producer.produce(ProduceMessage(value: "keyless"))
            await producer.close()
        }
        // xkafka's: the hash of the key, or of the topic; the first in turn is the second lane.
        #expect(workers.values == [13, 20, 7, 9, 12] + [1, 2, 3, 0, 1] + [0, 0, 0, 0, 0])
    }

    @Test func aKeyWaitsForItsRetriesAndOthersDoNot() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { value, before in
            guard value == "a1" else { return }
            if before == 0 { throw SendFailed() }
            try await gate.pass()
        }
        let producer = try Producer(config(retries: 3), transport: transport)
        let first = try await producer.produceAsync(ProduceMessage(key: "a", value: "a1"))
        let second = try await producer.produceAsync(ProduceMessage(key: "a", value: "a2"))
        let third = try await producer.produceAsync(ProduceMessage(key: "a", value: "a3"))
        try await producer.produce(ProduceMessage(key: "b", value: "b1"))
        #expect(second.current == nil)
        gate.open()
        for future in [first, second, third] { _ = try await future.value }
        #expect(transport.acknowledged == ["b1", "a1", "a2", "a3"])
        #expect(transport.begun.filter { $0 == "a1" }.count == 2)
        await producer.close()
    }

    /// Order comes first: what was overtaken is not tried again.
    @Test func overtakenMessagesFail() async throws {
        let secondIsThrough = Gate()
        var config = config(retries: RetryConfig.infiniteRetries, .block)
        config.handlers = [
            ProduceMiddleware { message, next in
                let result = try await next(message)
                guard message.message.value == "first" else { return result }
                try await secondIsThrough.pass()
                throw SendFailed()
            }
        ]
        let producer = try Producer(config, transport: ScriptedTransport())
        let first = try await producer.produceAsync(ProduceMessage(key: "k", value: "first"))
        try await producer.produce(ProduceMessage(key: "k", value: "second"))
        secondIsThrough.open()
        let error = await #expect(throws: ProducerError.self) { try await first.value }
        #expect(error?.code == .overtaken)
        #expect(error?.cause is SendFailed)
        await producer.close()
    }

    @Test func mistakesOfHandlersAreNotTriedAgain() async throws {
        var config = config(retries: RetryConfig.infiniteRetries, .block)
        config.topicHandlers = [
            "twice": ProduceTopicHandlers([
                ProduceMiddleware { message, next in
                    _ = try await next(message)
                    return try await next(message)
                }
            ]),
            "foreign": ProduceTopicHandlers([
                ProduceMiddleware { message, next in try await next(ProduceContext(message.message)) }
            ]),
        ]
        let producer = try Producer(config, transport: ScriptedTransport())
        await #expect(throws: ProduceChainError.nextCalledTwice) {
            try await producer.produce(ProduceMessage(topic: "twice", value: "x"))
        }
        await #expect(throws: ProduceChainError.foreignContext) {
            try await producer.produce(ProduceMessage(topic: "foreign", value: "x"))
        }
        await producer.close()
    }
}
