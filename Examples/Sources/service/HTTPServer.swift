import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle
import XKafka

/// Answers over HTTP how a consumer and a producer are doing.
///
/// - `/health` is for a readiness probe: 200, or 503 when one of the two is stalled, with the reasons in words.
/// - `/snapshot` is for somebody who sees a lag grow: what the consumer has in hand, and what each partition waits for.
///
/// - Parameter port: on this machine's own address; 0 takes one that is free.
func httpServer(_ consumer: GroupConsumer, _ producer: Producer, port: Int, logger: Logger) -> some Service {
    let router = Router()
    router.get("health") { _, _ in
        let consuming = consumer.health
        let producing = producer.health
        let status: HTTPResponse.Status = consuming.isStalled || producing.isStalled ? .serviceUnavailable : .ok
        return EditedResponse(status: status, response: "consumer: \(consuming)\nproducer: \(producing)\n")
    }
    router.get("snapshot") { _, _ in
        let snapshot = try await consumer.snapshot()
        var lines = ["\(snapshot)"]
        for partition in snapshot.partitions.map(\.topicPartition) {
            lines.append("\(try await consumer.why(partition.topic, partition.partition))")
        }
        return lines.map { $0 + "\n" }.joined()
    }
    return Application(
        router: router,
        configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
        onServerRunning: { channel in
            logger.info("http server listens", metadata: ["port": "\(channel.localAddress?.port ?? 0)"])
        },
        logger: quiet(logger)
    )
}

/// The server's own lines are for those who look for trouble in it.
private func quiet(_ logger: Logger) -> Logger {
    var logger = logger
    logger.logLevel = .warning
    return logger
}
