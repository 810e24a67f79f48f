package import XKafkaCore

/// Something librdkafka tells a producer that is not about one message.
package enum ProducerEvent: Sendable {
    case error(KafkaError)
    case log(LogLine)
    /// librdkafka's statistics, as JSON.
    case statistics([UInt8])
}
