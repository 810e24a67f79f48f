import XKafkaCore
import XKafkaTransport

extension ClientProperties {
    /// What every consumer of this library sets.
    ///
    /// - Parameter partitions: how many it may have to read.
    mutating func setConsumer(reset: String, _ processing: ProcessingConfig, partitions: Int) {
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
        let prefetch = PrefetchLimit(byteBudget: processing.byteBudget, partitions: partitions)
        set("queued.max.messages.kbytes", prefetch.queueBytes / 1_024)
        set("max.partition.fetch.bytes", prefetch.fetchBytes)
        if LibrdkafkaVersion.hasQueueBackoff {
            // A full queue is looked at again after a second otherwise.
            set("fetch.queue.backoff.ms", 10)
        }
    }
}
