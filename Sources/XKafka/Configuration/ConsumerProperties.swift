import XKafkaCore

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
        // The limit holds for each partition, since each has a queue of its own; librdkafka's
        // default of 64 MiB would let 100 partitions hold 6.4 GiB.
        set("queued.max.messages.kbytes", 4_096)
    }
}
