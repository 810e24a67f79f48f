import InMemoryTracing
import Logging
import Testing
import Tracing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Traces across a broker.
@Suite(.timeLimit(.minutes(1))) struct TraceTests {
    @Test func oneTraceFromTheProducerToTheHandler() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        let tracer = InMemoryTracer()
        var config = ProducerConfig.testing(broker, topic: "orders")
        config.handlers = [ProduceTrace(tracer: tracer)]
        let producer = try Producer(config)
        let original = ProduceMessage(key: "k", value: "v", headers: ["x": "1"])
        let callerTrace = try await tracer.withSpan("request") { span in
            try await producer.produce(original)
            let future = try await producer.produceAsync(original)
            _ = try await future.value
            return span.traceID
        }
        await producer.close()
        #expect(original.headers == ["x": "1"])

        var reader = GroupConsumerConfig.testing(broker, topics: ["orders"])
        reader.handlers = [ConsumeTrace(tracer: tracer)]
        let group = reader.groupID
        let seen = Collector<String?>()
        try await running(try GroupConsumer(reader)) { message in
            tracer.withSpan("work") { _ in }
            #expect(message.headers.map(\.name).contains("in-memory-trace-id"))
            seen.add(ServiceContext.current?.inMemorySpanContext?.traceID)
        } while: {
            try await seen.wait(forCount: 2)
        }
        #expect(seen.values == [callerTrace, callerTrace])
        let spans = tracer.finishedSpans
        let sent = spans.filter { $0.operationName == "xkafka.produce orders" }
        let consumed = spans.filter { $0.operationName == "xkafka.consume orders" }
        #expect(sent.count == 2, "produceAsync sees its caller's span too")
        #expect(Set(spans.map(\.traceID)) == [callerTrace])
        #expect(consumed.map(\.parentSpanID) == sent.map(\.spanID))
        #expect(spans.filter { $0.operationName == "work" }.map(\.parentSpanID) == consumed.map(\.spanID))
        #expect(consumed[0].attributes["messaging.consumer.group.name"]?.toSpanAttribute() == .string(group))
        #expect(sent[0].attributes["messaging.kafka.offset"]?.toSpanAttribute() == .int64(0))
    }

    @Test func attemptsHaveSpansOfTheirOwn() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        let tracer = InMemoryTracer()
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.retry = RetryConfig(initialBackoff: .milliseconds(1))
        config.handlers = [ConsumeTrace(tracer: tracer)]
        let done = Collector<Int>()
        try await running(try PartitionConsumer(config)) { message in
            if message.attempt < 3 { throw SendFailed() }
            done.add(message.attempt)
        } while: {
            try await done.wait(forCount: 1)
        }
        let spans = tracer.finishedSpans
        #expect(spans.map(\.status?.code) == [.error, .error, .ok])
        #expect(spans.map { $0.attributes["xkafka.attempt"]?.toSpanAttribute() } == [.int64(1), .int64(2), .int64(3)])
    }

    @Test func producersRetriesReplaceTheHeader() async throws {
        let tracer = W3CTracer { _ in }
        let parents = Collector<[String?]>()
        let transport = RecordingTransport { message, count in
            parents.add(message.headers.all(named: "traceparent").map { $0.value.map { String($0) } })
            if count < 3 { throw SendFailed() }
        }
        var config = ProducerConfig(brokers: [], defaultTopic: "orders", logger: testLogger)
        config.retry = RetryConfig(initialBackoff: .milliseconds(1))
        config.handlers = [ProduceTrace(tracer: tracer)]
        let producer = try Producer(config, transport: transport)
        let stale = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let message = ProduceMessage(value: "v", headers: ["Traceparent": MessageBytes(stale), "tracestate": "old=1"])
        try await producer.produce(message)
        await producer.close()
        #expect(parents.values.count == 3)
        #expect(parents.values.allSatisfy { $0.count == 1 })
        #expect(Set(parents.values.map(\.first)).count == 3, "one for each attempt")
        #expect(message.headers.count == 2 && message.headers[0].value == MessageBytes(stale))
    }
}

/// Sees each message that is sent, and how often something was sent.
private final class RecordingTransport: ProduceTransport {
    private let script: @Sendable (ProduceMessage, Int) throws -> Void
    private let sent = Collector<Bool>()

    init(_ script: @escaping @Sendable (ProduceMessage, Int) throws -> Void) {
        self.script = script
    }

    func send(_ message: ProduceMessage) async throws -> ProduceResult {
        sent.add(true)
        try script(message, sent.values.count)
        return ProduceResult(topic: message.topic ?? "", partition: 0, offset: 0, timestamp: nil)
    }
}
