import XKafkaCore
import XKafkaTransport

/// What became of one commit, or of one save to an offset store.
struct CommitOutcome: Sendable {
    let number: Int
    let partitions: [(offset: TopicPartitionOffset, error: (any Error)?)]
    /// The error of the request as a whole.
    var requestError: (any Error)?

    /// The first error, if any.
    var error: (any Error)? { requestError ?? partitions.lazy.compactMap(\.error).first }
}

extension CommitOutcome {
    init(_ outcome: ConsumerEvent.CommitOutcome) {
        number = outcome.number
        partitions = outcome.partitions.map { ($0.offset, $0.error ?? outcome.error) }
        requestError = outcome.error
    }
}
