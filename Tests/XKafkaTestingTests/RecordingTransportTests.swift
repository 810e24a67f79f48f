import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// A transport that keeps messages in Kafka's place.
@Suite(.timeLimit(.minutes(1))) struct RecordingTransportTests {
    struct Failure: Error, Equatable {}

    private func producer(_ transport: RecordingTransport, maxRetries: Int = 3) throws -> Producer {
        var config = ProducerConfig(brokers: [], defaultTopic: "orders")
        config.retry = RetryConfig(maxRetries: maxRetries, initialBackoff: .milliseconds(1))
        config.exhaustedPolicy = .stop
        config.logger = RecordedLog().logger
        return try Producer(config, transport: transport)
    }

    @Test func messagesAreKeptInOrderWithTheirTopic() async throws {
        let transport = RecordingTransport()
        let producer = try producer(transport)
        let first = try await producer.produce(ProduceMessage(key: "a", value: "1"))
        let second = try await producer.produce(ProduceMessage(key: "a", value: "2"))
        let other = try await producer.produce(ProduceMessage(topic: "other", value: "3", timestamp: 4, partition: 5))
        await producer.close()
        #expect([first.offset, second.offset, other.offset] == [0, 1, 0])
        #expect(other.partition == 5 && other.timestamp?.millisecondsSinceEpoch == 4)
        #expect(transport.sent.map(\.topic) == ["orders", "orders", "other"])
        #expect(transport.sent == transport.attempts)
    }

    @Test func failuresComeAsScripted() async throws {
        let transport = RecordingTransport()
        transport.fail(with: .notEnoughReplicas, times: 2) { $0.value == "a" }
        transport.fail(with: .messageTooLarge) { $0.value == "b" }
        transport.fail(with: Failure(), times: 0)
        let producer = try producer(transport)
        #expect(try await producer.produce(ProduceMessage(key: "k", value: "c")).attempt == 1)
        #expect(try await producer.produce(ProduceMessage(key: "k", value: "a")).attempt == 3, "those are tried again")
        let error = await #expect(throws: ProducerError.self) {
            try await producer.produce(ProduceMessage(key: "k", value: "b"))
        }
        #expect((error?.cause as? KafkaError)?.code == .messageTooLarge)
        await producer.close()
        #expect(transport.sent.map(\.value) == ["c", "a"])
        #expect(transport.attempts.map(\.value) == ["c", "a", "a", "a", "b"])
    }

    @Test func chainsEndInIt() async throws {
        let transport = RecordingTransport()
        let origin = ProduceMiddleware { message, next in
            var message = message
            message.message.headers.append("origin", "billing")
            return try await next(message)
        }
        let produce = composeProduce([origin], transport.send)
        let result = try await produce(ProduceContext(ProduceMessage(value: "v"), topic: "invoices"))
        #expect(result.topic == "invoices")
        #expect(transport.sent == [ProduceMessage(topic: "invoices", value: "v", headers: ["origin": "billing"])])
    }
}
