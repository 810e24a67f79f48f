import XKafkaCore
import XKafkaProduce
import XKafkaTransport

/// One message between librdkafka and whoever waits for it.
final class Delivery: DeliveryReceiver {
    let future = ProduceFuture()
    private let topic: String
    private let bytes: Int
    private let gate: CreditGate

    init(topic: String, bytes: Int, gate: CreditGate) {
        self.topic = topic
        self.bytes = bytes
        self.gate = gate
    }

    func receive(_ report: DeliveryReport) {
        if let error = report.error {
            end(.failure(error))
        } else {
            end(
                .success(
                    ProduceResult(
                        topic: topic,
                        partition: report.partition,
                        offset: report.offset,
                        timestamp: report.timestamp,
                        attempt: 1
                    )
                )
            )
        }
    }

    /// Ends the message: makes room for another, and tells whoever waits.
    func end(_ result: Result<ProduceResult, any Error>) {
        gate.leave(bytes: bytes)
        future.resolve(result)
    }
}
