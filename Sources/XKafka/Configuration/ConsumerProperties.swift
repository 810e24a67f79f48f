import XKafkaCore
import XKafkaTransport

extension ClientProperties {
    /// What every consumer of this library sets.
    mutating func setConsumer(reset: String, _ processing: ProcessingConfig) {
        // The library commits what is completed, itself: librdkafka's own way commits what was
        // fetched, and waiting for it in a revoke may never end.
        set("enable.auto.commit", false)
        set("enable.auto.offset.store", false)
        set("auto.offset.reset", reset)
        set("log.queue", true)
        // How soon topics are noticed that were created, or got partitions, after the consumer started.
        // librdkafka's default is 5 minutes.
        set("topic.metadata.refresh.interval.ms", 30_000)
        // The end of a partition tells that what lies before it and was not delivered never will be (R5).
        set("enable.partition.eof", true)
        // Both hold for each partition, since each has a queue of its own, and messages come on top of what
        // is in hand: librdkafka's default of 64 MiB would let 100 partitions hold 6.4 GiB. A partition
        // goes beyond the first by one fetch. How much one fetch takes of all partitions, librdkafka derives
        // from the first: 1 MB, since that is no less than its largest message may be.
        set("queued.max.messages.kbytes", processing.prefetchLimit / 1_024)
        set("max.partition.fetch.bytes", processing.partitionFetchLimit)
        if LibrdkafkaVersion.hasQueueBackoff {
            // A full queue is looked at again after a second otherwise, which such small ones cannot bridge.
            set("fetch.queue.backoff.ms", 10)
        }
    }
}

extension ProcessingConfig {
    /// How many bytes of a partition librdkafka holds ready before it fetches no more of it. So small that
    /// hundreds of partitions with large messages stay within a fraction of the budget.
    var prefetchLimit: Int { clamped(byteBudget / 1_024, to: 65_536...4_194_304) }

    /// How many bytes of a partition one fetch takes; a larger batch still comes whole.
    var partitionFetchLimit: Int { clamped(byteBudget / 64, to: 65_536...1_048_576) }

    private func clamped(_ value: Int, to range: ClosedRange<Int>) -> Int {
        min(max(value, range.lowerBound), range.upperBound)
    }
}
