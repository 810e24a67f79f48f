import XKafkaConsume
import XKafkaCore
import XKafkaEngine
import XKafkaOffsets
import XKafkaTransport
import XKafkaWorkers

/// Messages of one partition that were taken together, on their way through the workers.
///
/// What the workers queue is only the number of a message in here. Its context is made when a handler starts, so that
/// what waits is small and costs one reference to count.
final class DeliveredBatch: Sendable {
    /// What was found out about a message when it was delivered.
    struct Place: Sendable {
        /// Its number in the batch it was fetched in.
        var index: Int32
        var bytes: Int32
        var offset: Int64
        var shard: Int
        /// The queue of its key.
        var queue: UInt64
        var delivery: OffsetTracker.Delivery
    }

    let partition: AssignedPartition
    /// In order; or by shard, and in each shard in order, where ``Part`` names them.
    let places: [Place]
    private let messages: MessageBatch
    let receivedAt: ContinuousClock.Instant

    init(
        _ places: [Place],
        in messages: MessageBatch,
        of partition: AssignedPartition,
        receivedAt: ContinuousClock.Instant
    ) {
        self.places = places
        self.messages = messages
        self.partition = partition
        self.receivedAt = receivedAt
    }

    func context(of index: Int) -> ConsumeContext {
        let place = places[index]
        return ConsumeContext(
            messages.message(at: Int(place.index), offset: place.offset, from: partition.source),
            shard: place.shard,
            attempt: 1,
            receivedAt: receivedAt
        )
    }
}

extension DeliveredBatch {
    /// The messages of one shard, which lie together in their batch.
    struct Part: ElementBundle {
        let batch: DeliveredBatch
        private let first: Int32
        private let length: Int32

        init(_ places: Range<Int>, of batch: DeliveredBatch) {
            self.batch = batch
            first = Int32(places.lowerBound)
            length = Int32(places.count)
        }

        var count: Int { Int(length) }

        /// The place in the batch of the message with this number.
        func place(_ number: Int) -> Int { Int(first) + number }

        func element(_ number: Int) -> WorkItem { WorkItem(place(number), of: batch) }

        func key(_ number: Int) -> UInt64 { batch.places[place(number)].queue }
    }
}
