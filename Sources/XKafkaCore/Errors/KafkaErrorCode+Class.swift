extension KafkaError.Code {
    /// What can be done about this code when nothing more is known.
    ///
    /// Brokers' codes follow Kafka's own list of retriable errors; any other, and any that is not
    /// known yet, is permanent, because repeating what is not understood helps nobody.
    package var errorClass: KafkaError.Class {
        if self == .fatal || self == .fencedInstance { return .fatal }
        return Self.retriableCodes.contains(rawValue) ? .retriable : .permanent
    }

    private static let retriableCodes: Set<Int32> = [
        // librdkafka: transport, resolve, message timed out, all brokers down, timed out, queue
        // full, too few in-sync replicas, node update, waiting for the coordinator, (previous) in
        // progress, no offset (none committed yet), outdated, timed out in queue, waiting for the
        // cache, interrupted, retry, assignment lost.
        -195, -193, -192, -187, -185, -184, -183, -182, -180, -178, -177, -168, -167, -166, -164, -163, -153, -142,
        // Brokers: corrupt message, unknown topic or partition, no leader, not the leader, request
        // timed out, broker or replica not available, network, the coordinator's three, too few
        // replicas (before and after append), rebalance in progress, not the controller,
        // concurrent transactions, storage, fetch session, listener, leader epochs, offset not
        // available, preferred leader not available, unstable offset, throttling.
        2, 3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 27, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 88, 89,
    ]
}
