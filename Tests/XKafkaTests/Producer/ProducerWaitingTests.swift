import Testing
import XKafka
import XKafkaTestingInternal

/// Futures, deadlines, cancellation and closing, with a transport that answers as told.
@Suite(.timeLimit(.minutes(1))) struct ProducerWaitingTests {
    private func config() -> ProducerConfig { .scripted() }

    // MARK: Futures

    @Test func anyNumberMayWait() async throws {
        let gate = Gate()
        let producer = try Producer(config(), transport: ScriptedTransport { _, _ in try await gate.pass() })
        let future = try await producer.produceAsync(ProduceMessage(value: "x"))
        let told = Collector<Int64?>()
        future.onCompletion { told.add(try? $0.get().offset) }
        let waiters = (0..<5).map { _ in Task { try await future.value.offset } }
        waiters[2].cancel()
        await #expect(throws: CancellationError.self) { try await waiters[2].value }
        #expect(future.current == nil)
        gate.open()
        for waiter in [waiters[0], waiters[1], waiters[3], waiters[4]] { #expect(try await waiter.value == 0) }
        try await told.wait(forCount: 1)
        future.onCompletion { told.add(try? $0.get().offset) }
        #expect(told.values == [0, 0], "known ones are told at once")
        try await producer.produceAsync(ProduceMessage(value: "y")) { told.add(try? $0.get().offset) }
        try await told.wait(forCount: 3)
        #expect(told.values == [0, 0, 1])
        await producer.close()
    }

    // MARK: Cancellation and deadlines

    @Test func cancelledBeforeItWasTaken() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in try await gate.pass() }
        var config = config()
        config.maxInFlightMessages = 1
        let producer = try Producer(config, transport: transport)
        let first = try await producer.produceAsync(ProduceMessage(value: "first"))
        let waiting = Task { try await producer.produce(ProduceMessage(value: "never")) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        gate.open()
        _ = try await first.value
        await producer.close()
        #expect(transport.begun == ["first"])
    }

    @Test func cancelledWhileHeldBackOrUnderWay() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in try await gate.pass() }
        let producer = try Producer(config(), transport: transport)
        let underWay = Task { try await producer.produce(ProduceMessage(key: "k", value: "under way")) }
        try await transport.sends.wait(forCount: 1)
        let heldBack = Task { try await producer.produce(ProduceMessage(key: "k", value: "held back")) }
        try await eventually("both to be taken") { producer.messagesInFlight == 2 }
        for task in [underWay, heldBack] {
            task.cancel()
            let error = await #expect(throws: ProducerError.self) { try await task.value }
            #expect(error?.code == .outcomeUnknown)
        }
        gate.open()
        await producer.close()
        #expect(transport.acknowledged == ["under way", "held back"], "only the waiting was given up")
    }

    @Test func fullLaneSuspendsUntilTheDeadline() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in try await gate.pass() }
        var config = config()
        config.dispatch = ProducerDispatchConfig(mode: .serial, queueSize: 1, maxInFlight: 1)
        let producer = try Producer(config, transport: transport)
        let first = try await producer.produceAsync(ProduceMessage(value: "1"))
        let second = try await producer.produceAsync(ProduceMessage(value: "2"))
        let error = await #expect(throws: ProducerError.self) {
            try await producer.produceAsync(ProduceMessage(value: "3"), deadline: .now + .milliseconds(20))
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(producer.messagesInFlight == 2, "what was not taken takes no room")
        let fourth = Task { try await producer.produce(ProduceMessage(value: "4")) }
        gate.open()
        for future in [first, second] { _ = try await future.value }
        #expect(try await fourth.value.offset == 2)
        await producer.close()
    }

    @Test func deadlinesTravelWithTheMessage() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { value, _ in
            if value == "slow" { try await gate.pass() }
            if value == "failing" { throw SendFailed() }
        }
        var config = config()
        config.retry = RetryConfig(initialBackoff: .seconds(60), maxBackoff: .seconds(60))
        config.exhaustedPolicy = .block
        let producer = try Producer(config, transport: transport)
        let slow = try await producer.produceAsync(ProduceMessage(key: "k", value: "slow"))
        let held = try await producer.produceAsync(
            ProduceMessage(key: "k", value: "held"),
            deadline: .now + .milliseconds(30)
        )
        let failing = try await producer.produceAsync(
            ProduceMessage(key: "f", value: "failing"),
            // Long enough for the first attempt to be made on a busy machine.
            deadline: .now + .milliseconds(500)
        )
        for future in [held, failing] {
            let error = await #expect(throws: ProducerError.self) {
                try await withDeadline(.seconds(20), "the deadline") { try await future.value }
            }
            #expect(error?.code == .deadlineExceeded)
        }
        #expect(failing.current?.producerError?.cause is SendFailed)
        let waiting = await #expect(throws: ProducerError.self) {
            try await producer.produce(ProduceMessage(key: "g", value: "slow"), deadline: .now + .milliseconds(500))
        }
        #expect(waiting?.code == .outcomeUnknown)
        let late = await #expect(throws: ProducerError.self) {
            try await producer.produceAsync(ProduceMessage(value: "late"), deadline: .now)
        }
        #expect(late?.code == .deadlineExceeded)
        gate.open()
        _ = try await slow.value
        try await producer.flush()
        await producer.close()
        #expect(!transport.begun.contains("held"))
    }

    // MARK: Closing

    @Test func closingGivesUpWhatIsLeft() async throws {
        let handlerEnded = Collector<Bool>()
        let transport = ScriptedTransport { value, _ in
            if value == "failing" { throw SendFailed() }
        }
        var config = config()
        config.retry = RetryConfig(initialBackoff: .seconds(60), maxBackoff: .seconds(60))
        config.exhaustedPolicy = .block
        let stubborn = Gate()
        config.topicHandlers = [
            "busy": ProduceTopicHandlers([
                ProduceMiddleware { message, next in
                    defer { handlerEnded.add(Task.isCancelled) }
                    // Ends by being cancelled: longer than the test may take.
                    try await Task.sleep(for: .seconds(60))
                    return try await next(message)
                }
            ]),
            "stubborn": ProduceTopicHandlers([
                ProduceMiddleware { message, next in
                    await withCheckedContinuation { continuation in
                        Task {
                            try? await stubborn.pass()
                            continuation.resume()
                        }
                    }
                    return try await next(message)
                }
            ]),
        ]
        let producer = try Producer(config, transport: transport)
        var futures: [ProduceFuture] = []
        for topic in ["orders", "busy", "stubborn"] {
            futures.append(try await producer.produceAsync(ProduceMessage(topic: topic, key: "k", value: "failing")))
            futures.append(try await producer.produceAsync(ProduceMessage(topic: topic, key: "k", value: "behind")))
        }
        try await withDeadline(.seconds(20), "the end") { await producer.close(deadline: .milliseconds(20)) }
        for future in futures { #expect(future.current?.producerErrorCode == .closed) }
        #expect(futures[0].current?.producerError?.cause is SendFailed)
        #expect(handlerEnded.values == [true])
        stubborn.open()
        await producer.close()
        for call in 0..<4 {
            let error = await #expect(throws: ProducerError.self) {
                switch call {
                case 0: try await producer.produce(ProduceMessage(value: "x"))
                case 1: try await producer.produceAsync(ProduceMessage(value: "x"))
                case 2: try await producer.produceAsync(ProduceMessage(value: "x")) { _ in }
                default: _ = try await producer.produceBatchReport([ProduceMessage(value: "x")]).first?.get()
                }
            }
            #expect(error?.code == .closed)
            #expect(error.map { "\($0)" } == "producer is closed")
        }
    }

    @Test func closingDrains() async throws {
        let producer = try Producer(
            config(),
            transport: ScriptedTransport { _, _ in try await Task.sleep(for: .milliseconds(1)) }
        )
        var futures: [ProduceFuture] = []
        for number in 0..<100 {
            futures.append(try await producer.produceAsync(ProduceMessage(key: "\(number % 3)", value: "\(number)")))
        }
        await producer.close()
        for future in futures { #expect(throws: Never.self) { try future.current?.get() } }
        #expect(futures.allSatisfy { $0.current != nil })
    }

    /// R10, at its most crowded.
    @Test func submittingRacesClosing() async throws {
        for round in 0..<1_000 {
            var config = config()
            config.dispatch = ProducerDispatchConfig(
                mode: round % 2 == 0 ? .serial : .keySharded,
                queueSize: 1,
                maxInFlight: 1
            )
            let producer = try Producer(config, transport: ScriptedTransport())
            try await withDeadline(.seconds(20), "round \(round)") {
                await withTaskGroup(of: Void.self) { group in
                    for task in 0..<4 {
                        group.addTask {
                            for _ in 0..<3 {
                                do {
                                    _ = try await producer.produceAsync(ProduceMessage(key: "\(task % 2)", value: "x"))
                                        .value
                                } catch let error as ProducerError {
                                    #expect(error.code == .closed)
                                } catch {
                                    Issue.record(error)
                                }
                            }
                        }
                    }
                    group.addTask { await producer.close() }
                }
            }
            #expect(producer.messagesInFlight == 0)
        }
    }

    @Test func forgottenProducersStillSend() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in try await gate.pass() }
        let future = try await Producer(config(), transport: transport).produceAsync(ProduceMessage(value: "x"))
        gate.open()
        #expect(try await future.value.offset == 0)
    }
}

extension Result where Failure == any Error {
    var errorText: String? { if case .failure(let error) = self { "\(error)" } else { nil } }
    var producerError: ProducerError? { if case .failure(let error) = self { error as? ProducerError } else { nil } }
    var producerErrorCode: ProducerError.Code? { producerError?.code }
}
