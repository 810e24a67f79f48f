package import CKafka

/// Which of librdkafka's two kinds of client a handle is.
package enum ClientKind: Sendable {
    case consumer, producer

    package var librdkafka: rd_kafka_type_t {
        switch self {
        case .consumer: RD_KAFKA_CONSUMER
        case .producer: RD_KAFKA_PRODUCER
        }
    }
}
