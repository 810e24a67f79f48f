import Logging
import XKafkaCore
import XKafkaTransport

extension ClientProperties {
    /// Sets what every client of ours needs, and where it says that there was no token to be had.
    mutating func setConnection(brokers: [String], clientID: String, security: SecurityConfig, logger: Logger) {
        setConnection(brokers: brokers, clientID: clientID, security: security)
        guard tokens != nil else { return }
        onTokenFailure = { error, pause in
            var metadata: Logger.Metadata = ["client_id": "\(clientID)", "error": "\(error)"]
            if let pause {
                metadata["backoff"] = "\(pause)"
                logger.warning("xkafka got no token and asks again", metadata: metadata)
            } else {
                logger.error("xkafka gets no token", metadata: metadata)
            }
        }
    }

    /// Adds what the user set beside the configuration's own fields, in a fixed order.
    mutating func add(_ properties: [String: String]) {
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            if Self.isSecret(name) { set(name, secret: Secret(value)) } else { set(name, value) }
        }
    }

    /// Whether the value of a property may be secret, going by its name.
    static func isSecret(_ name: String) -> Bool {
        ["password", "secret", "pem", "key", "token", "oauthbearer", "jaas"].contains { name.contains($0) }
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
                let value = ClientProperties.isSecret(name) ? "<redacted>" : "\"\(properties[name] ?? "")\""
                fail("librdkafkaProperties.\(name)", got: value, instead)
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
        "sasl.oauthbearer.config": "set security.sasl to oauthBearer instead",
        "sasl.oauthbearer.method": "set security.sasl to oauthBearer instead",
        "enable.sasl.oauthbearer.unsecure.jwt": "set security.sasl to oauthBearer instead",
        "ssl.ca.location": "set security.tls instead",
        "ssl.ca.pem": "set security.tls instead",
        "ssl.certificate.location": "set security.tls instead",
        "ssl.certificate.pem": "set security.tls instead",
        "ssl.endpoint.identification.algorithm": "set security.tls instead",
        "ssl.key.location": "set security.tls instead",
        "ssl.key.password": "set security.tls instead",
        "ssl.key.pem": "set security.tls instead",
        "statistics.interval.ms": "set metrics.statisticsInterval instead",
        "log.queue": "belongs to the library, which logs to the logger",
    ]

    static let consumer = connection.merging([
        "enable.auto.commit": "belongs to the library: it commits what is completed",
        "enable.auto.offset.store": "belongs to the library: it commits what is completed",
        "auto.offset.reset": "set start instead",
        "enable.partition.eof": "belongs to the library",
    ]) { $1 }

    static let groupConsumer = consumer.merging([
        "group.id": "set groupID instead",
        "group.instance.id": "set groupInstanceID instead",
        "partition.assignment.strategy": "set assignmentStrategy instead",
        "isolation.level": "set isolationLevel instead",
        "session.timeout.ms": "set sessionTimeout instead",
        "heartbeat.interval.ms": "set heartbeatInterval instead",
        "max.poll.interval.ms": "set maxPollInterval instead",
    ]) { $1 }

    static let partitionConsumer = consumer.merging([
        "group.id": "belongs to the library: a partition consumer joins no group",
        "auto.offset.reset": "set outOfRange instead",
        "isolation.level": "set isolationLevel instead",
        "reconnect.backoff.ms": "set reconnectInitialBackoff instead",
        "reconnect.backoff.max.ms": "set reconnectMaxBackoff instead",
    ]) { $1 }

    static let producer = connection.merging([
        "acks": "set acks instead",
        "request.required.acks": "set acks instead",
        "delivery.report.only.error": "belongs to the library, which tells what became of every message",
        "transactional.id": "transactions are not supported",
        "enable.idempotence": "set isIdempotent instead",
        "max.in.flight.requests.per.connection": "set maxInFlightRequests instead",
        "max.in.flight": "set maxInFlightRequests instead",
        "partitioner": "set partitioner instead",
        "delivery.timeout.ms": "set deliveryTimeout instead",
        "message.timeout.ms": "set deliveryTimeout instead",
        "linger.ms": "set linger instead",
        "queue.buffering.max.ms": "set linger instead",
        "batch.num.messages": "set batchMessages instead",
        "batch.size": "set batchBytes instead",
        "message.max.bytes": "set maxMessageBytes instead",
        "compression.type": "set compression instead",
        "compression.codec": "set compression instead",
        "queue.buffering.max.messages": "set maxInFlightMessages instead",
        "queue.buffering.max.kbytes": "set maxInFlightBytes instead",
    ]) { $1 }
}
