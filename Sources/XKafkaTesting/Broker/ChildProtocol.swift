package import XKafkaCore
package import XKafkaTransport

/// What is said to the process of an embedded broker: one JSON object to a line.
package enum ChildRequest: Codable, Sendable {
    case createTopic(name: String, partitions: Int, replicationFactor: Int)
    case apply(MockFault)
}

/// What it answers to each request, and once when it has started.
package enum ChildReply: Codable, Sendable {
    case started(bootstrapServers: String)
    case done
    case failed(code: KafkaError.Code, name: String, text: String, operation: String)

    package init(_ error: KafkaError) {
        self = .failed(code: error.code, name: error.name, text: error.text, operation: error.operation)
    }

    package var error: KafkaError? {
        guard case .failed(let code, let name, let text, let operation) = self else { return nil }
        return KafkaError(code: code, name: name, text: text, errorClass: code.errorClass, operation: operation)
    }
}
