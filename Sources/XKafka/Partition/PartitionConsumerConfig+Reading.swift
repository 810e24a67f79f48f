import Logging
import XKafkaConsume
import XKafkaCore
import XKafkaTransport

// Finding out where each partition starts and ends: from the store, and where that does not tell, from the
// cluster.
extension PartitionConsumerConfig {
    /// How long one question to the cluster may take.
    private static let questionTimeout = Duration.seconds(10)

    func reading() async throws -> PartitionReading {
        var parts: [TopicPartition: PartitionReading.Part] = [:]
        for partition in topicPartitions {
            let checkpoint = try await loadCheckpoint(partition)
            let start: Int64 =
                if let checkpoint { checkpoint.nextOffset } else { try await startOffset(partition) }
            parts[partition] = .init(start: start, finished: checkpoint?.map, end: try await endOffset(partition))
        }
        return PartitionReading(parts: parts, store: offsetStore, storeFailureLimit: storeFailureLimit)
    }

    private func loadCheckpoint(_ partition: TopicPartition) async throws -> Checkpoint? {
        let checkpoint: Checkpoint?
        do {
            if let store = offsetStore as? any CheckpointStore {
                checkpoint = try await store.loadCheckpoint(partition)
            } else {
                checkpoint = try await offsetStore.load(partition).map { Checkpoint(nextOffset: $0) }
            }
        } catch {
            throw ConsumerError(.loadOffset, cause: error)
        }
        // A negative one would be one of librdkafka's logical offsets and mean something else.
        guard let checkpoint, checkpoint.nextOffset < 0 else { return checkpoint }
        throw ConsumerError(
            .loadOffset,
            position: TopicPartitionOffset(partition, offset: checkpoint.nextOffset)
        )
    }

    private func startOffset(_ partition: TopicPartition) async throws -> Int64 {
        switch start {
        case .earliest: LogicalOffset.earliest
        case .latest: LogicalOffset.latest
        case .offset(let offset): offset
        case .timestamp(let time):
            try await ask { try $0.offset(of: partition, notBefore: time) } ?? LogicalOffset.latest
        }
    }

    private func endOffset(_ partition: TopicPartition) async throws -> Int64? {
        switch end {
        case .never: nil
        case .offset(let offset): offset
        case .untilEnd: try await ask { try $0.endOffset(of: partition) }
        }
    }

    /// Asks the cluster, again and again while it cannot be reached, until the task is cancelled.
    private func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (ClusterQueries) throws -> Answer
    ) async throws -> Answer {
        let pauses = RetryConfig(initialBackoff: reconnectInitialBackoff, maxBackoff: reconnectMaxBackoff)
        var random = SystemRandomNumberGenerator()
        var attempt = 1
        while true {
            do {
                return try await ClusterQuestion.ask(queryProperties(), timeout: Self.questionTimeout, question)
            } catch let error as KafkaError where error.errorClass == .retriable {
                if attempt == 1 {
                    logger.warning(
                        "xkafka asks the cluster again where partitions start and end",
                        metadata: ["error": "\(error)"]
                    )
                }
            }
            try await Task.sleep(for: pauses.pause(afterAttempt: attempt, using: &random))
            attempt += 1
        }
    }
}
