import CKafka

/// The version of librdkafka that is loaded.
package enum LibrdkafkaVersion {
    /// As in `2.0.2`.
    package static var text: String { String(cString: rd_kafka_version_str()) }

    /// As in `0x020002ff`: major, minor, revision, and `ff` for a release.
    package static var number: Int32 { rd_kafka_version() }

    /// Whether the cooperative strategy is free of faults that lose an assignment or rebalance for ever: since
    /// 2.10.0.
    package static var isSafeToCooperate: Bool { number >= 0x020a_00ff }

    /// Whether `fetch.queue.backoff.ms` exists: since 2.2.0.
    package static var hasQueueBackoff: Bool { number >= 0x0202_00ff }
}
