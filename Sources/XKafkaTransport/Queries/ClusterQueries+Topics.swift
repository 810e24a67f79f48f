import CKafka
package import XKafkaCore

extension ClusterQueries {
    /// Creates a topic and waits until the controller says so.
    package func createTopic(
        _ topic: String,
        partitions: Int,
        replicationFactor: Int
    ) throws(KafkaError) {
        let operation = "create topic \(topic)"
        var problem = ""
        var newTopic: OpaquePointer? = withErrorText { text, size in
            let newTopic = rd_kafka_NewTopic_new(
                topic,
                Int32(clamping: partitions),
                Int32(clamping: replicationFactor),
                text,
                size
            )
            if newTopic == nil { problem = String(cString: text) }
            return newTopic
        }
        guard newTopic != nil else {
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, operation, text: problem)
        }
        defer { rd_kafka_NewTopic_destroy(newTopic) }
        try administer(operation) { client, queue in
            rd_kafka_CreateTopics(client, &newTopic, 1, nil, queue)
        } results: { event in
            var count = 0
            let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
            return UnsafeBufferPointer(start: results, count: count)
        }
    }

    /// Deletes a topic and waits until the controller says so.
    package func deleteTopic(_ topic: String) throws(KafkaError) {
        var oldTopic: OpaquePointer? = rd_kafka_DeleteTopic_new(topic)
        defer { rd_kafka_DeleteTopic_destroy(oldTopic) }
        try administer("delete topic \(topic)") { client, queue in
            rd_kafka_DeleteTopics(client, &oldTopic, 1, nil, queue)
        } results: { event in
            var count = 0
            let results = rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count)
            return UnsafeBufferPointer(start: results, count: count)
        }
    }

    private func administer(
        _ operation: String,
        _ request: (OpaquePointer, OpaquePointer) -> Void,
        results: (OpaquePointer) -> UnsafeBufferPointer<OpaquePointer?>
    ) throws(KafkaError) {
        guard let queue = rd_kafka_queue_new(client.pointer) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, operation)
        }
        defer { rd_kafka_queue_destroy(queue) }
        request(client.pointer, queue)
        guard let event = rd_kafka_queue_poll(queue, timeout) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, operation)
        }
        defer { rd_kafka_event_destroy(event) }
        let code = rd_kafka_event_error(event)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(code, operation, text: rd_kafka_event_error_string(event).map(String.init(cString:)))
        }
        for case let result? in results(event) {
            let code = rd_kafka_topic_result_error(result)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR {
                let text = rd_kafka_topic_result_error_string(result).map(String.init(cString:))
                throw KafkaError(code, operation, text: text)
            }
        }
    }
}
