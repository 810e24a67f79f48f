import InMemoryTracing
import Logging
import Testing
import Tracing
import XKafkaConsume
import XKafkaCore
import XKafkaTestingInternal

@Suite struct ConsumeTraceTests {
    private let tracer = InMemoryTracer()

    private func handle(
        _ message: ConsumeContext,
        _ trace: ConsumeTrace? = nil,
        _ handler: @escaping ConsumeFunction = { _ in }
    ) async throws -> FinishedInMemorySpan {
        try? await composeConsume([trace ?? ConsumeTrace(tracer: tracer)], handler)(message)
        return try #require(tracer.finishedSpans.last)
    }

    @Test func spanSaysWhatItIsAbout() async throws {
        let message = ConsumeContext(topic: "orders", partition: 3, offset: 17, key: "k", value: "v", attempt: 2)
        let span = try await handle(message)
        #expect(span.operationName == "xkafka.consume orders")
        #expect(span.kind == .consumer)
        #expect(span.status?.code == .ok)
        #expect(
            span.attributes.texts == [
                "messaging.system": "kafka", "messaging.operation.name": "process",
                "messaging.operation.type": "process", "messaging.destination.name": "orders",
                "messaging.destination.partition.id": "3", "messaging.kafka.partition": "3",
                "messaging.kafka.offset": "17", "messaging.kafka.message.offset": "17",
                "messaging.kafka.message.key": "k", "xkafka.logical_key": "k", "xkafka.shard": "0",
                "xkafka.attempt": "2",
            ]
        )
    }

    @Test func consumersAreNamed() async throws {
        let named = [ConsumeTrace(tracer: tracer) as any ConsumeHandler].named(group: "billing", clientID: "c-1")
        try await composeConsume(named) { _ in }(ConsumeContext(topic: "orders"))
        let attributes = try #require(tracer.finishedSpans.last).attributes.texts
        #expect(attributes["messaging.consumer.group.name"] == "billing")
        #expect(attributes["messaging.client.id"] == "c-1")
    }

    @Test func oddMessages() async throws {
        let attributes = try await handle(ConsumeContext(topic: "", key: [0xff], value: nil)).attributes.texts
        #expect(attributes["messaging.destination.name"] == "_unknown")
        #expect(attributes["messaging.kafka.message.key"] == nil, "not text")
        #expect(attributes["messaging.kafka.message.tombstone"] == "true")
        #expect(attributes["xkafka.logical_key"] == "\u{fffd}")
        #expect(tracer.finishedSpans.last?.operationName == "xkafka.consume _unknown")

        let long = MessageBytes(String(repeating: "k", count: 100_000))
        let cut = try await handle(ConsumeContext(topic: "t", key: long, value: "v")).attributes.texts
        #expect(cut["messaging.kafka.message.key"] == nil)
        #expect(cut["xkafka.logical_key"]?.count == 256)
    }

    @Test func handlerRunsInTheSendersTrace() async throws {
        let message = ConsumeContext(
            topic: "orders",
            headers: ["In-Memory-Trace-ID": "trace-x", "in-memory-span-id": "span-x"]
        )
        let seen = Collector<String?>()
        let span = try await handle(message) { _ in seen.add(ServiceContext.current?.inMemorySpanContext?.spanID) }
        #expect(span.traceID == "trace-x")
        #expect(span.parentSpanID == "span-x")
        #expect(seen.values == [span.spanID])
        #expect(span.links.isEmpty)
    }

    @Test func withoutHeadersTheCallersSpanIsTheParent() async throws {
        try await tracer.withSpan("caller") { caller in
            let span = try await handle(ConsumeContext(topic: "orders"))
            #expect(span.traceID == caller.traceID)
            #expect(span.parentSpanID == caller.spanID)
        }
    }

    @Test func linkInsteadOfParent() async throws {
        let message = ConsumeContext(
            topic: "orders",
            headers: ["in-memory-trace-id": "trace-x", "in-memory-span-id": "span-x"]
        )
        let trace = ConsumeTrace(tracer: tracer, relation: .link)
        let span = try await handle(message, trace)
        #expect(span.traceID != "trace-x")
        #expect(span.links.map(\.context.inMemorySpanContext?.spanID) == ["span-x"])
        #expect(try await handle(ConsumeContext(topic: "orders"), trace).links.isEmpty)
    }

    /// A span about several messages has a link to each of them.
    @Test func linksForBatches() {
        let trace = ConsumeTrace(tracer: tracer)
        let batch = (1...3).map {
            ConsumeContext(
                topic: "orders",
                headers: $0 == 2 ? [:] : ["in-memory-trace-id": "t", "in-memory-span-id": "span-\($0)"]
            )
        }
        tracer.withSpan("store") { span in
            for message in batch { trace.link(to: message).map { span.addLink($0) } }
        }
        let links = tracer.finishedSpans.last?.links.map(\.context.inMemorySpanContext?.spanID)
        #expect(links == ["span-1", "span-3"])
    }

    @Test func errorsAreRecordedAndThrown() async throws {
        struct Broken: Error {}
        await #expect(throws: Broken.self) {
            try await composeConsume([ConsumeTrace(tracer: tracer)]) { _ in throw Broken() }(ConsumeContext(topic: "t"))
        }
        let span = try #require(tracer.finishedSpans.last)
        #expect(span.status == SpanStatus(code: .error, message: "Broken()"))
        #expect(span.errors.count == 1)
        #expect(span.attributes.texts["error.type"] == "Broken")
    }

    @Test func oneSpanForEachAttempt() async throws {
        let handler = FailingHandler(failures: 2)
        let retry = ConsumeRetry(RetryConfig(initialBackoff: .milliseconds(1)), logger: RecordedLog().logger)
        let chain = composeConsume([retry, ConsumeTrace(tracer: tracer)]) { try handler.handle($0) }
        try await chain(ConsumeContext(topic: "orders"))
        let spans = tracer.finishedSpans
        #expect(spans.map { $0.attributes.texts["xkafka.attempt"] } == ["1", "2", "3"])
        #expect(spans.map(\.status?.code) == [.error, .error, .ok])
        #expect(Set(spans.map(\.spanID)).count == 3)
    }

    /// What a handler propagates need not be what the tracer would.
    @Test func propagatorOfItsOwn() async throws {
        let other = InMemoryTracer()
        let headers: MessageHeaders = ["in-memory-trace-id": "trace-x", "in-memory-span-id": "span-x"]
        let message = ConsumeContext(topic: "orders", headers: headers)
        let span = try await handle(message, ConsumeTrace(tracer: tracer, propagator: other))
        #expect(span.traceID == "trace-x")
        #expect(other.performedContextExtractions.count == 1)
        #expect(tracer.performedContextExtractions.isEmpty)
    }

    @Test func globalTracerIsTheDefault() async throws {
        try await withTracer(tracer) {
            try await composeConsume([ConsumeTrace()]) { _ in }(ConsumeContext(topic: "orders"))
        }
        #expect(tracer.finishedSpans.map(\.operationName) == ["xkafka.consume orders"])
    }
}

extension SpanAttributes {
    /// The attributes as texts.
    fileprivate var texts: [String: String] {
        var texts: [String: String] = [:]
        forEach { name, attribute in
            switch attribute {
            case .string(let text): texts[name] = text
            case .int64(let number): texts[name] = "\(number)"
            case .bool(let isTrue): texts[name] = "\(isTrue)"
            default: texts[name] = "?"
            }
        }
        return texts
    }
}
