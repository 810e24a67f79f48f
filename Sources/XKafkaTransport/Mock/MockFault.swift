package import XKafkaCore

/// What can be done to a mock cluster. Brokers are counted from 1; -1 means all, where that makes
/// sense, or none, for leaders. Requests are named by Kafka's API key.
package enum MockFault: Sendable, Hashable, Codable {
    case errors([KafkaError.Code], request: Int16)
    case delayedAnswer(error: KafkaError.Code?, milliseconds: Int32, request: Int16, broker: Int32)
    case clearErrors(request: Int16)
    case topicError(topic: String, KafkaError.Code?)
    case roundTripTime(milliseconds: Int32, broker: Int32)
    case brokerDown(broker: Int32)
    case brokerUp(broker: Int32)
    case leader(topic: String, partition: Int32, broker: Int32)
    case coordinator(group: String, broker: Int32)
}
