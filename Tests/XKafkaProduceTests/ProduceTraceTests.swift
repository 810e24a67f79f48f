import InMemoryTracing
import Logging
import Testing
import Tracing
import XKafkaCore
import XKafkaProduce
import XKafkaTestingInternal

@Suite struct ProduceTraceTests {
    private let tracer = InMemoryTracer()
    private var trace: ProduceTrace { ProduceTrace(tracer: tracer) }

    private func text(_ name: String, of span: FinishedInMemorySpan) -> String? {
        switch span.attributes[name]?.toSpanAttribute() {
        case .string(let text): text
        case .int64(let number): "\(number)"
        case .bool(let isTrue): "\(isTrue)"
        default: nil
        }
    }

    @Test func spanSaysWhatItIsAbout() async throws {
        let sender = Sender(failures: 0)
        let named = [trace as any ProduceHandler].named(clientID: "c-1")
        _ = try await composeProduce(named) { try await sender.send($0) }(message)
        let span = try #require(tracer.finishedSpans.last)
        #expect(span.operationName == "xkafka.produce orders")
        #expect(span.kind == .producer)
        #expect(span.status?.code == .ok)
        let expected = [
            "messaging.system": "kafka", "messaging.operation.name": "send", "messaging.operation.type": "send",
            "messaging.destination.name": "orders", "messaging.client.id": "c-1", "messaging.kafka.message.key": "k",
            "messaging.destination.partition.id": "3", "messaging.kafka.partition": "3", "messaging.kafka.offset": "7",
            "messaging.kafka.message.offset": "7", "xkafka.dispatch_key": "k", "xkafka.worker": "0",
            "xkafka.attempt": "1",
        ]
        for (name, value) in expected { #expect(text(name, of: span) == value, "\(name)") }
        #expect(span.attributes.count == expected.count)
    }

    @Test func missingTopic() async throws {
        let message = ProduceContext(ProduceMessage(value: "v"), topic: "")
        let sender = Sender(failures: 0)
        _ = try await composeProduce([trace]) { try await sender.send($0) }(message)
        let span = try #require(tracer.finishedSpans.last)
        #expect(span.operationName == "xkafka.produce _unknown")
        #expect(text("messaging.destination.name", of: span) == "_unknown")
    }

    @Test func messageNamesTheSpanAndTheCallersDoesNot() async throws {
        let sent = Collector<ProduceContext>()
        let stale: MessageHeaders = ["In-Memory-Span-ID": "stale", "x": "1"]
        let original = ProduceContext(ProduceMessage(topic: "orders", value: "v", headers: stale))
        try await tracer.withSpan("caller") { caller in
            _ = try await composeProduce([trace]) { message in
                sent.add(message)
                #expect(ServiceContext.current?.inMemorySpanContext?.traceID == caller.traceID)
                return ProduceResult(topic: message.topic, partition: 0, offset: 0, timestamp: nil)
            }(original)
            let span = try #require(tracer.finishedSpans.last)
            #expect(span.parentSpanID == caller.spanID)
            #expect(
                sent.values.last?.message.headers == [
                    "in-memory-span-id": MessageBytes(span.spanID), "x": "1",
                    "in-memory-trace-id": MessageBytes(caller.traceID),
                ]
            )
        }
        #expect(original.message.headers == stale, "a message of the caller's stays as it was")
    }

    @Test func retriesReplaceTheHeader() async throws {
        let ids = Collector<[String?]>()
        let sender = Sender(failures: 2)
        let retry = try ProduceRetry(RetryConfig(initialBackoff: .milliseconds(1)), logger: RecordedLog().logger)
        _ = try await composeProduce([retry, trace]) { message in
            ids.add(message.message.headers.all(named: "in-memory-span-id").map { $0.value.map { String($0) } })
            return try await sender.send(message)
        }(message)
        let spans = tracer.finishedSpans
        #expect(spans.count == 3)
        #expect(spans.map { text("xkafka.attempt", of: $0) } == ["1", "2", "3"])
        #expect(spans.map(\.status?.code) == [.error, .error, .ok])
        #expect(ids.values == spans.map { [$0.spanID] }, "one header, that of its own attempt")
    }

    @Test func errorsAreRecordedAndThrown() async throws {
        let error = KafkaError(
            code: KafkaError.Code(rawValue: 10),
            name: "MSG_SIZE_TOO_LARGE",
            text: "too large",
            errorClass: .permanent,
            operation: "produce"
        )
        let sender = Sender(failures: 1, error)
        await #expect(throws: KafkaError.self) {
            try await composeProduce([trace]) { try await sender.send($0) }(message)
        }
        let span = try #require(tracer.finishedSpans.last)
        #expect(span.status == SpanStatus(code: .error, message: "\(error)"))
        #expect(span.errors.count == 1)
        #expect(text("error.type", of: span) == "MSG_SIZE_TOO_LARGE")
        #expect(text("messaging.kafka.offset", of: span) == nil)
    }
}
