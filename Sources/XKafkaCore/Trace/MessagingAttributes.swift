package import Tracing

/// What both trace handlers say about a message: xkafka's attributes, and those of OpenTelemetry's semantic
/// conventions for messaging (1.30 and newer) under their present names.
extension SpanAttributes {
    /// What stands in place of a topic that is not known.
    package static let unknownTopic = "_unknown"

    package mutating func setMessaging(operation: String, type: String, topic: String, clientID: String?) {
        self["messaging.system"] = "kafka"
        self["messaging.operation.name"] = operation
        self["messaging.operation.type"] = type
        self["messaging.destination.name"] = topic
        self["messaging.client.id"] = clientID
    }

    package mutating func setMessage(key: MessageBytes?, value: MessageBytes?) {
        // A key that is no text has no canonical form as one, and then the conventions want none.
        if let key, key.count <= Self.longestKey {
            let text = key.withUnsafeBytes { String(validating: $0, as: UTF8.self) }
            self["messaging.kafka.message.key"] = text
        }
        if value == nil { self["messaging.kafka.message.tombstone"] = true }
    }

    package mutating func setPlace(partition: Int32, offset: Int64?) {
        self["messaging.destination.partition.id"] = "\(partition)"
        self["messaging.kafka.partition"] = Int64(partition)
        guard let offset else { return }
        self["messaging.kafka.offset"] = offset
        self["messaging.kafka.message.offset"] = offset
    }

    /// A key as an attribute of xkafka's own, cut where it is long.
    package mutating func setText(_ name: String, _ bytes: MessageBytes) {
        self[name] = String(decoding: bytes.prefix(Self.longestKey), as: UTF8.self)
    }

    /// Spans are kept in memory until they are exported: a key of a megabyte does not belong there.
    private static var longestKey: Int { 256 }
}

extension Span {
    /// Notes how the work of the span failed.
    package func fail(_ error: any Error) {
        recordError(error)
        attributes["error.type"] = Self.typeName(of: error)
        setStatus(SpanStatus(code: .error, message: "\(error)"))
    }

    /// A name of few possible ones, as the conventions want: Kafka's name of the error, or the Swift type's.
    private static func typeName(of error: any Error) -> String {
        if let error = error as? KafkaError { return error.name }
        return "\(type(of: error))"
    }
}
