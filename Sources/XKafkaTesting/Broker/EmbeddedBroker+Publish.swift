import Logging
import XKafka
public import XKafkaProduce

extension EmbeddedBroker {
    /// Writes messages, and returns when they are there.
    ///
    /// - Parameters:
    ///   - messages: the messages. Those of a key are written in this order.
    ///   - topic: where those go that name no topic.
    /// - Returns: where each is, in the order of `messages`.
    /// - Throws: what ``/XKafka/Producer/produceBatch(_:deadline:)`` does.
    @discardableResult
    public func publish(
        _ messages: some Sequence<ProduceMessage>,
        to topic: String? = nil
    ) async throws -> [ProduceResult] {
        var config = ProducerConfig(brokers: brokers, defaultTopic: topic, linger: .milliseconds(1))
        config.logger.logLevel = .error
        let producer = try Producer(config)
        do {
            let results = try await producer.produceBatch(messages)
            await producer.close()
            return results
        } catch {
            await producer.close()
            throw error
        }
    }
}
