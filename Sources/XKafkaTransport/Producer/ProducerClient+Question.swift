import CKafka
import XKafkaCore

extension ProducerClient {
    /// Whether a broker answers. Blocks, for as long as `limit` at most, and so does the end of the client meanwhile.
    package func isAnswered(within limit: Duration) -> Bool {
        let code = try? use { () -> rd_kafka_resp_err_t in
            var metadata: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(pointer, 0, nil, &metadata, limit.wholeMilliseconds)
            if let metadata { rd_kafka_metadata_destroy(metadata) }
            return code
        }
        return code == RD_KAFKA_RESP_ERR_NO_ERROR
    }
}
