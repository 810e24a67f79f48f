import CKafka

/// Places in a partition that librdkafka takes in the stead of an offset.
package enum LogicalOffset {
    /// The oldest message the broker holds.
    package static var earliest: Int64 { Int64(RD_KAFKA_OFFSET_BEGINNING) }
    /// Behind the newest.
    package static var latest: Int64 { Int64(RD_KAFKA_OFFSET_END) }
    /// Where the group has committed, or else where the configuration says.
    package static var committed: Int64 { Int64(RD_KAFKA_OFFSET_STORED) }
}
