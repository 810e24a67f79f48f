public import XKafkaCore
package import XKafkaTransport

/// Something that goes wrong, or right again, in an ``EmbeddedBroker``.
///
/// Brokers are counted from 1.
public struct Fault: Sendable, Hashable, CustomStringConvertible {
    package let mock: MockFault

    /// What happens, for test output.
    public let description: String

    private init(_ mock: MockFault, _ description: String) {
        self.mock = mock
        self.description = description
    }

    // MARK: Single requests

    /// The next requests of a kind fail, each with one of `codes`, on whichever broker they arrive.
    public static func fail(_ request: RequestKind, with codes: [KafkaError.Code]) -> Fault {
        Fault(.errors(codes, request: request.rawValue), "\(request) fails with \(codes.map(\.rawValue))")
    }

    /// The next `times` requests of a kind fail with `code`.
    public static func fail(_ request: RequestKind, with code: KafkaError.Code, times: Int = 1) -> Fault {
        fail(request, with: Array(repeating: code, count: max(0, times)))
    }

    /// Whoever sends one of the next `times` requests of a kind is disconnected.
    public static func disconnect(_ request: RequestKind, times: Int = 1) -> Fault {
        fail(request, with: .transport, times: times)
    }

    /// The next request of a kind to `broker` is answered after `delay`, with `code` if there is one.
    public static func delay(
        _ request: RequestKind,
        by delay: Duration,
        broker: Int,
        code: KafkaError.Code? = nil
    ) -> Fault {
        Fault(
            .delayedAnswer(
                error: code,
                milliseconds: delay.wholeMilliseconds,
                request: request.rawValue,
                broker: Int32(clamping: broker)
            ),
            "\(request) on broker \(broker) takes \(delay)"
        )
    }

    /// Forgets the failures that are still due for a kind of request.
    public static func recover(_ request: RequestKind) -> Fault {
        Fault(.clearErrors(request: request.rawValue), "\(request) recovers")
    }

    // MARK: Brokers

    /// Every answer of a broker, or of all, takes this much longer.
    public static func roundTripTime(_ delay: Duration, broker: Int? = nil) -> Fault {
        Fault(
            .roundTripTime(milliseconds: delay.wholeMilliseconds, broker: number(broker)),
            "\(name(broker)) answers after \(delay)"
        )
    }

    /// A broker, or all, closes its connections and takes no new ones. Leaders do not move.
    ///
    /// Not at the same moment as this process starts a child process: librdkafka's mock broker then
    /// cannot keep its port and ends the process. Where that may be, host the brokers in
    /// ``EmbeddedBroker/Hosting/childProcess``.
    public static func brokerDown(_ broker: Int? = nil) -> Fault {
        Fault(.brokerDown(broker: number(broker)), "\(name(broker)) goes down")
    }

    /// A broker, or all, takes connections again.
    public static func brokerUp(_ broker: Int? = nil) -> Fault {
        Fault(.brokerUp(broker: number(broker)), "\(name(broker)) comes up")
    }

    // MARK: Cluster

    /// A partition gets another leader, or with `nil` none.
    public static func moveLeader(of partition: TopicPartition, to broker: Int?) -> Fault {
        Fault(
            .leader(topic: partition.topic, partition: partition.partition, broker: number(broker)),
            "the leader of \(partition) moves to \(broker.map { "broker \($0)" } ?? "nobody")"
        )
    }

    /// A group gets another coordinator.
    public static func moveCoordinator(ofGroup group: String, to broker: Int) -> Fault {
        Fault(
            .coordinator(group: group, broker: Int32(clamping: broker)),
            "the coordinator of \(group) moves to broker \(broker)"
        )
    }

    /// Metadata requests answer `code` for a topic, or with `nil` the truth again.
    public static func topicError(_ topic: String, _ code: KafkaError.Code?) -> Fault {
        Fault(.topicError(topic: topic, code), "topic \(topic) answers \(code?.rawValue ?? 0)")
    }

    private static func number(_ broker: Int?) -> Int32 { broker.map { Int32(clamping: $0) } ?? -1 }

    private static func name(_ broker: Int?) -> String { broker.map { "broker \($0)" } ?? "every broker" }
}
