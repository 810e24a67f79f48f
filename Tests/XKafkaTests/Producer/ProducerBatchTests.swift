import Synchronization
import Testing
import XKafka
import XKafkaTestingInternal

/// Batches and sequences of messages, with a transport that answers as told.
@Suite(.timeLimit(.minutes(1))) struct ProducerBatchTests {
    private func config() -> ProducerConfig { .scripted() }

    private let messages = (0..<3).map { ProduceMessage(key: "k", value: "\($0)") }

    @Test func batchEndsWithTheFirstFailure() async throws {
        let producer = try Producer(
            config(),
            transport: ScriptedTransport { value, _ in if value == "1" { throw SendFailed() } }
        )
        let error = await #expect(throws: ProducerError.self) { try await producer.produceBatch(messages) }
        #expect(error?.batchIndex == 1)
        #expect(error?.batchResults.map(\.offset) == [0])
        #expect(
            error.map { "\($0)" } == "produce batch index 1: produce message exhausted retries: send failed"
        )
        #expect(try await producer.produceBatch([]) == [])
        await producer.close()
    }

    @Test func reportHasAnOutcomePerMessage() async throws {
        let transport = ScriptedTransport { value, _ in if value == "1" { throw SendFailed() } }
        let producer = try Producer(config(), transport: transport)
        let report = try await producer.produceBatchReport(messages)
        #expect(report.count == 3)
        #expect(try report[0].get().offset == 0)
        #expect(report[1].errorText == "produce message exhausted retries: send failed")
        #expect(try report[2].get().offset == 1)
        #expect(transport.begun == ["0", "1", "2"])
        #expect(try await producer.produceBatchReport([]).isEmpty)
        await producer.close()
    }

    /// Once a failure is known no further message is sent: not of those there would be room for, nor the one that waited
    /// for room, with handlers or without.
    @Test(arguments: [1, 3, 1_000], [true, false])
    func nothingIsSentAfterAFailureThatIsKnown(room: Int, hasHandlers: Bool) async throws {
        let transport = ScriptedTransport { value, _ in if value == "2" { throw SendFailed() } }
        var config = config()
        config.maxInFlightMessages = room
        if hasHandlers { config.handlers = [ProduceMiddleware { message, next in try await next(message) }] }
        let producer = try Producer(config, transport: transport)
        let messages = (0..<1_000).map { ProduceMessage(key: "\($0)", value: "\($0)") }
        let error = await #expect(throws: ProducerError.self) { try await producer.produceBatch(messages) }
        #expect(error?.batchIndex == 2)
        #expect(error?.batchResults.count == 2)
        #expect(transport.begun == ["0", "1", "2"])
        await producer.close()
        #expect(producer.messagesInFlight == 0)
    }

    /// The message that waits for room while another fails is not sent either.
    @Test func theOneThatWaitedForRoomIsNotSentAfterAFailure() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            try await gate.pass()
            throw SendFailed()
        }
        var config = config()
        config.maxInFlightMessages = 1
        let producer = try Producer(config, transport: transport)
        let messages = self.messages
        let batch = Task { try await producer.produceBatch(messages) }
        try await transport.sends.wait(forCount: 1)
        try await eventually("the second to wait for room") { producer.isAwaited }
        gate.open()
        let error = await #expect(throws: ProducerError.self) { try await batch.value }
        #expect(error?.batchIndex == 0)
        #expect(transport.begun == ["0"])
        await producer.close()
        #expect(producer.messagesInFlight == 0)
    }

    /// A handler that produces something itself has the room for it that the next message of the batch would take.
    @Test func handlersOfABatchMayProduce() async throws {
        let transport = ScriptedTransport()
        var config = config()
        config.maxInFlightMessages = 2
        let own = OneShot<Producer>()
        config.topicHandlers = [
            "orders": ProduceTopicHandlers([
                ProduceMiddleware { message, next in
                    try await own.wait().produce(ProduceMessage(topic: "audit", value: "audit"))
                    return try await next(message)
                }
            ])
        ]
        let producer = try Producer(config, transport: transport)
        own.resolve(producer)
        let messages = (0..<2).map { ProduceMessage(key: "\($0)", value: "\($0)") }
        let results = try await withDeadline(.seconds(20), "the batch") { try await producer.produceBatch(messages) }
        #expect(results.count == 2)
        #expect(transport.begun.count { $0 == "audit" } == 2)
        await producer.close()
    }

    /// A sequence may have side effects and take its time: it is asked for a message when there is room for it, and
    /// not again when it has said that there are no more.
    @Test func sequencesAreAskedForOneAtATime() async throws {
        let transport = ScriptedTransport()
        let producer = try Producer(config(), transport: transport)
        let asked = Atomic<Int>(0)
        let sequence = AnyIterator<ProduceMessage> {
            let number = asked.add(1, ordering: .relaxed).oldValue
            #expect(transport.begun.count == number, "what was given before is on its way")
            return number < 100 ? ProduceMessage(key: "k", value: "\(number)") : nil
        }
        let report = try await producer.produceBatchReport(sequence)
        #expect(report.count == 100)
        #expect(asked.load(ordering: .relaxed) == 101)
        await producer.close()
    }

    /// Batches that come as arrays and as sequences, with room for all, for some and for one at a time, and a message in
    /// their middle that is refused: each message has its outcome, in its order, and no room is lost.
    @Test(arguments: [1, 7, 64, 100, 1_000], [true, false])
    func batchesOfAnySizeGetTheRoomThereIs(room: Int, isArray: Bool) async throws {
        let transport = ScriptedTransport()
        var config = config()
        config.defaultTopic = nil
        config.maxInFlightMessages = room
        let producer = try Producer(config, transport: transport)
        let messages = (0..<200).map { ProduceMessage(topic: $0 == 70 ? nil : "orders", key: "k", value: "\($0)") }
        let report =
            if isArray {
                try await producer.produceBatchReport(messages)
            } else {
                try await producer.produceBatchReport(messages.lazy.filter { _ in true })
            }
        #expect(report.count == 200)
        for (index, outcome) in report.enumerated() {
            if index == 70 {
                #expect(outcome.producerErrorCode == .topicRequired)
            } else {
                #expect(try outcome.get().topic == "orders")
            }
        }
        #expect(transport.acknowledged == (0..<200).filter { $0 != 70 }.map { "\($0)" }, "in the order of the batch")
        try await producer.flush()
        #expect(producer.messagesInFlight == 0)
        #expect(producer.bytesInFlight == 0)
        let error = await #expect(throws: ProducerError.self) { try await producer.produceBatch(messages) }
        #expect(error?.batchIndex == 70)
        #expect(error?.batchResults.count == 70)
        #expect(transport.acknowledged.count == 199 + 70)
        await producer.close()
    }

    @Test func cancelledReports() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { value, _ in if value != "0" { try await gate.pass() } }
        var config = config()
        config.maxInFlightMessages = 2
        let producer = try Producer(config, transport: transport)
        let before = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await producer.produceBatchReport([])
        }
        await #expect(throws: CancellationError.self) { try await before.value }

        let messages = (0..<5).map { ProduceMessage(value: "\($0)") }
        let during = Task { try await producer.produceBatchReport(messages) }
        try await transport.sends.wait(forCount: 3)
        during.cancel()
        let report = try await during.value
        #expect(try report[0].get().topic == "orders")
        for index in 1...2 { #expect(report[index].producerErrorCode == .outcomeUnknown) }
        for index in 3...4 { #expect(throws: CancellationError.self) { try report[index].get() } }
        gate.open()
        await producer.close()
        #expect(Set(transport.acknowledged) == ["0", "1", "2"], "what was under way went out")
    }

    @Test func sequencesAreSentAheadOfTheirReaderWithinBounds() async throws {
        let transport = ScriptedTransport { value, _ in if value == "4" { throw SendFailed() } }
        let producer = try Producer(config(), transport: transport)
        let (messages, input) = AsyncStream.makeStream(of: ProduceMessage.self)
        for number in 0..<20 { input.yield(ProduceMessage(key: "k", value: "\(number)")) }
        input.finish()
        var iterator = producer.results(of: messages, lookAhead: 3).makeAsyncIterator()
        #expect(try await iterator.next()?.get().offset == 0)
        try await transport.sends.wait(forCount: 4)
        #expect(transport.begun.count <= 4, "one was read, three are ahead")
        var outcomes: [Result<ProduceResult, any Error>] = []
        while let outcome = try await iterator.next() { outcomes.append(outcome) }
        #expect(outcomes.count == 19)
        #expect(outcomes[3].errorText == "produce message exhausted retries: send failed")
        #expect(transport.begun == (0..<20).map { "\($0)" })
        await producer.close()
    }

    /// A slow source does not hold up the results of what it gave.
    @Test func resultsOfASlowSequenceComeAtOnce() async throws {
        let producer = try Producer(config(), transport: ScriptedTransport())
        let (messages, input) = AsyncStream.makeStream(of: ProduceMessage.self)
        var iterator = producer.results(of: messages).makeAsyncIterator()
        for number in 0..<3 {
            input.yield(ProduceMessage(value: "\(number)"))
            #expect(try await iterator.next()?.get().offset == Int64(number))
        }
        input.finish()
        #expect(try await iterator.next() == nil)
        await producer.close()
    }
}
