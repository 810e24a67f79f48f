import XKafkaCore

extension ClientProperties {
    /// What every consumer of this library sets.
    mutating func setConsumer(start: StartOffset) {
        // The library commits what is completed, itself: librdkafka's own way commits what was
        // fetched, and waiting for it in a revoke may never end.
        set("enable.auto.commit", false)
        set("enable.auto.offset.store", false)
        set("auto.offset.reset", start)
        set("log.queue", true)
        // The limit holds for each partition, since each has a queue of its own; librdkafka's
        // default of 64 MiB would let 100 partitions hold 6.4 GiB.
        set("queued.max.messages.kbytes", 4_096)
    }
}
