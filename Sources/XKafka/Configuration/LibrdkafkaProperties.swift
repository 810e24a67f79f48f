import XKafkaCore
import XKafkaTransport

extension ClientProperties {
    /// Adds what the user set beside the configuration's own fields, in a fixed order.
    mutating func add(_ properties: [String: String]) {
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) { set(name, value) }
    }
}

extension ConfigurationChecks {
    /// Checks the properties that a user sets past our own fields: none may override what the
    /// library owns, and librdkafka must take them all.
    mutating func checkProperties(
        _ properties: [String: String],
        owned: [String: String],
        kind: ClientKind,
        _ complete: () -> ClientProperties
    ) {
        for name in properties.keys.sorted() {
            if let instead = owned[name] {
                fail("librdkafkaProperties.\(name)", got: "\"\(properties[name] ?? "")\"", instead)
            }
        }
        // librdkafka's verdict only makes sense on values that pass our own rules.
        guard problems.isEmpty else { return }
        for problem in complete().problems(for: kind) {
            fail("librdkafkaProperties.\(problem.field)", got: problem.value, problem.rule)
        }
    }
}

/// The properties that are set through fields of a configuration, or not at all.
enum OwnedProperties {
    static let connection = [
        "bootstrap.servers": "set brokers instead",
        "metadata.broker.list": "set brokers instead",
        "client.id": "set clientID instead",
        "security.protocol": "set security instead",
        "sasl.mechanism": "set security.sasl instead",
        "sasl.mechanisms": "set security.sasl instead",
        "sasl.username": "set security.sasl instead",
        "sasl.password": "set security.sasl instead",
        "ssl.key.password": "set security.tls instead",
        "ssl.key.pem": "set security.tls instead",
        "log.queue": "belongs to the library, which logs to the logger",
    ]

    static let consumer = connection.merging([
        "enable.auto.commit": "belongs to the library: it commits what is completed",
        "enable.auto.offset.store": "belongs to the library: it commits what is completed",
        "auto.offset.reset": "set start instead",
        "enable.partition.eof": "belongs to the library",
        "partition.assignment.strategy": "belongs to the library",
        "group.id": "set groupID instead",
        "session.timeout.ms": "set sessionTimeout instead",
        "heartbeat.interval.ms": "set heartbeatInterval instead",
        "max.poll.interval.ms": "set maxPollInterval instead",
    ]) { $1 }

    static let producer = connection.merging([
        "acks": "belongs to the library: every message is acknowledged by all in-sync replicas",
        "request.required.acks": "belongs to the library: every message is acknowledged by all in-sync replicas",
        "enable.idempotence": "belongs to the library: without it, order and uniqueness are lost",
        "delivery.timeout.ms": "set deliveryTimeout instead",
        "message.timeout.ms": "set deliveryTimeout instead",
        "linger.ms": "set linger instead",
        "queue.buffering.max.ms": "set linger instead",
        "compression.type": "set compression instead",
        "compression.codec": "set compression instead",
        "queue.buffering.max.messages": "set maxInFlightMessages instead",
        "queue.buffering.max.kbytes": "set maxInFlightBytes instead",
    ]) { $1 }
}
