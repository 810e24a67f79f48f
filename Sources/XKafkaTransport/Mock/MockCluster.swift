import CKafka
import Synchronization
package import XKafkaCore

/// Owns a cluster of librdkafka's mock brokers, which speak Kafka's protocol on loopback.
///
/// `@unchecked Sendable`: librdkafka's mock calls lock themselves or run on the cluster's thread;
/// the lock of `running` keeps them from meeting `stop()`, which frees the cluster once.
package final class MockCluster: @unchecked Sendable {
    /// `@unchecked Sendable`: only used with the lock held.
    private struct Running: @unchecked Sendable {
        /// The mock cluster lives inside a client, which does nothing else.
        let client: ClientHandle
        let cluster: OpaquePointer
    }

    package let brokerCount: Int
    /// The addresses of the brokers, as `bootstrap.servers` wants them.
    package let bootstrapServers: String

    // Sendable by the reasoning above: the pointers are only used with the lock held.
    private let running: Mutex<Running?>

    /// Starts `brokers` brokers on free ports.
    package init(brokers: Int) throws(KafkaError) {
        var properties = ClientProperties()
        properties.set("client.id", "xkafka-embedded-broker")
        let client = try ClientHandle(.producer, properties, events: 0)
        guard
            let cluster = rd_kafka_mock_cluster_new(client.pointer, Int32(clamping: brokers)),
            let servers = rd_kafka_mock_cluster_bootstraps(cluster)
        else {
            client.destroy()
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "start the embedded broker")
        }
        brokerCount = brokers
        bootstrapServers = String(cString: servers)
        running = Mutex(Running(client: client, cluster: cluster))
    }

    deinit {
        stop()
    }

    /// Ends all brokers and frees what they hold. Only the first call does anything.
    package func stop() {
        let stopped = running.withLock { running in
            defer { running = nil }
            return running
        }
        guard let stopped else { return }
        rd_kafka_mock_cluster_destroy(stopped.cluster)
        stopped.client.destroy()
    }

    package func create(topic: String, partitions: Int, replicationFactor: Int) throws(KafkaError) {
        try perform("create topic \(topic)") {
            rd_kafka_mock_topic_create($0, topic, Int32(clamping: partitions), Int32(clamping: replicationFactor))
        }
    }

    /// Carries out one fault.
    package func inject(_ fault: MockFault) throws(KafkaError) {
        try perform("inject \(fault)") { cluster in
            switch fault {
            case .errors(let codes, let request):
                let codes = codes.map(\.librdkafka)
                rd_kafka_mock_push_request_errors_array(cluster, request, codes.count, codes)
            case .delayedAnswer(let error, let milliseconds, let request, let broker):
                return xkafka_mock_broker_push_request_error_rtt(
                    cluster,
                    broker,
                    request,
                    error?.librdkafka ?? RD_KAFKA_RESP_ERR_NO_ERROR,
                    milliseconds
                )
            case .clearErrors(let request):
                rd_kafka_mock_clear_request_errors(cluster, request)
            case .topicError(let topic, let code):
                rd_kafka_mock_topic_set_error(cluster, topic, code?.librdkafka ?? RD_KAFKA_RESP_ERR_NO_ERROR)
            case .roundTripTime(let milliseconds, let broker):
                return rd_kafka_mock_broker_set_rtt(cluster, broker, milliseconds)
            case .brokerDown(let broker):
                return ProcessSpawnGuard.run { rd_kafka_mock_broker_set_down(cluster, broker) }
            case .brokerUp(let broker):
                return rd_kafka_mock_broker_set_up(cluster, broker)
            case .leader(let topic, let partition, let broker):
                return rd_kafka_mock_partition_set_leader(cluster, topic, partition, broker)
            case .coordinator(let group, let broker):
                return rd_kafka_mock_coordinator_set(cluster, "group", group, broker)
            }
            return RD_KAFKA_RESP_ERR_NO_ERROR
        }
    }

    private func perform(
        _ operation: String,
        _ body: @Sendable (OpaquePointer) -> rd_kafka_resp_err_t
    ) throws(KafkaError) {
        let code = running.withLock { running in running.map { body($0.cluster) } }
        guard let code else {
            throw KafkaError(RD_KAFKA_RESP_ERR__STATE, operation, text: "the embedded broker was stopped")
        }
        try KafkaError.check(code, operation)
    }
}
