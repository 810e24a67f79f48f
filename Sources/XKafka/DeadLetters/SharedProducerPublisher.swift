import XKafkaConsume
import XKafkaProduce

/// Publishes dead letters with a producer of the user's, which stays the user's.
struct SharedProducerPublisher: DeadLetterPublisher {
    let producer: Producer
    let topic: String

    func publish(_ letter: DeadLetter) async throws {
        try await producer.produce(
            ProduceMessage(topic: topic, key: letter.key, value: letter.value, headers: letter.headers)
        )
    }
}
