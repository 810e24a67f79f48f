/// How much of a partition librdkafka holds ready, beside what is in hand.
///
/// Both limits hold for each partition, since each has a queue of its own: librdkafka's defaults would let 100
/// partitions hold 6.4 GiB. On the other hand a queue that gets full is looked at again, before librdkafka 2.2,
/// only when something else happens or after a second, so it should be large where that can be afforded.
package struct PrefetchLimit: Equatable {
    /// How many bytes are ready before no more is fetched.
    package let queueBytes: Int
    /// How many bytes one fetch takes; a larger batch still comes whole.
    package let fetchBytes: Int

    /// How many partitions a consumer is taken to have when nobody knows.
    package static let assumedPartitions = 64

    /// Up to 64 partitions share the byte budget once more. With more of them the whole shrinks, as each goes beyond
    /// its share by a fetch: hundreds of partitions with large messages stay within a fraction of the budget.
    package init(byteBudget: Int, partitions: Int) {
        let count = max(1, partitions)
        let share = count <= 64 ? byteBudget / count : byteBudget / count / count * 64
        queueBytes = min(max(share, 65_536), 16 * 1_048_576)
        fetchBytes = min(max(queueBytes / 4, 65_536), 1_048_576)
    }
}
