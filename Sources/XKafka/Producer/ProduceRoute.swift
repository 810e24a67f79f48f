import XKafkaCore
import XKafkaProduce
import XKafkaTransport
import XKafkaWorkers

/// What is the same for all messages of a topic: looked up once per message instead of made.
final class ProduceRoute: Sendable {
    /// The topic as librdkafka knows it.
    final class Link: Sendable {
        let client: ProducerClient
        let topic: ProducerTopic

        init(_ client: ProducerClient, _ topic: ProducerTopic) {
            self.client = client
            self.topic = topic
        }
    }

    let topic: String
    /// The handlers and, innermost, the sending.
    let function: ProduceFunction
    /// Whether there are handlers.
    let hasHandlers: Bool
    /// Where the hash of a key starts, so that the same key of two topics has two orders.
    let seed: UInt64
    /// The lane of messages without a key, or with an empty one: the topic's.
    let laneWithoutKey: Int
    private let number: UInt32
    /// A producer has one client.
    private let knownLink = OnceReference<Link>()

    init(topic: String, number: UInt32, lanes: Int, hasHandlers: Bool, function: @escaping ProduceFunction) {
        self.topic = topic
        self.number = number
        self.hasHandlers = hasHandlers
        self.function = function
        var name = topic
        (seed, laneWithoutKey) = name.withUTF8 { name in
            let bytes = UnsafeRawBufferPointer(name)
            return (FNV1a.hash64(bytes), FNV1a.shard(of: bytes, count: lanes))
        }
    }

    /// A number for a partition of this topic that no partition of another has; `nil` when the message did
    /// not get one.
    func partitionNumber(_ partition: Int32) -> UInt64? {
        partition < 0 ? nil : UInt64(number) << 32 | UInt64(partition)
    }

    /// Calls `body` with the topic's handle, made with `client` when it is first needed.
    func withLink(_ client: () throws -> ProducerClient, _ body: (Link) throws -> Void) throws {
        try knownLink.with(
            {
                let client = try client()
                return Link(client, try client.topic(topic))
            },
            body
        )
    }
}
