import CoreMetrics
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Metrics from librdkafka's statistics: a text of JSON that it writes once in a while.
final class StatisticsMetrics: Sendable {
    private let brokersUp, roundTrip, roundTripP99: Meter
    private let prefetched, batching, requestQueue: Meter?
    private let isReading = Atomic<Bool>(false)

    init(_ maker: MetricsMaker, isProducer: Bool) {
        brokersUp = maker.meter("brokers_up")
        roundTrip = maker.meter("broker_round_trip_seconds")
        roundTripP99 = maker.meter("broker_round_trip_p99_seconds")
        prefetched = isProducer ? nil : maker.meter("prefetched")
        batching = isProducer ? maker.meter("batching_seconds") : nil
        requestQueue = isProducer ? maker.meter("request_queue_seconds") : nil
    }

    /// Reads a text, on a task: with many partitions that takes a while. What comes meanwhile is left out.
    func note(_ json: [UInt8]) {
        guard !isReading.exchange(true, ordering: .acquiringAndReleasing) else { return }
        Task {
            if let statistics = LibrdkafkaStatistics(json) { set(statistics) }
            isReading.store(false, ordering: .releasing)
        }
    }

    private func set(_ statistics: LibrdkafkaStatistics) {
        brokersUp.set(statistics.brokersUp)
        if let time = statistics.average(\.rtt) { roundTrip.set(time) }
        if let time = statistics.slowestRoundTrip { roundTripP99.set(time) }
        prefetched?.set(statistics.prefetched)
        if let time = statistics.average(\.int_latency) { batching?.set(time) }
        if let time = statistics.average(\.outbuf_latency) { requestQueue?.set(time) }
    }
}

/// The little of librdkafka's statistics that is used. Names are librdkafka's; whatever is missing is left out.
struct LibrdkafkaStatistics: Decodable {
    struct Window: Decodable {
        /// Microseconds.
        var avg: Double?
        var p99: Double?
        var cnt: Double?
    }

    struct Broker: Decodable {
        var nodeid: Int?
        var source: String?
        var state: String?
        var rtt: Window?
        var int_latency: Window?
        var outbuf_latency: Window?
    }

    struct Topic: Decodable {
        var partitions: [String: Partition]?
    }

    struct Partition: Decodable {
        var fetchq_cnt: Double?
    }

    var brokers: [String: Broker]?
    var topics: [String: Topic]?

    /// `nil` for a text that is not understood.
    init?(_ json: [UInt8]) {
        guard let statistics = try? JSONDecoder().decode(Self.self, from: Data(json)) else { return nil }
        self = statistics
    }

    /// Brokers that are connected. One that is also the group's coordinator counts once.
    var brokersUp: Int {
        // Addresses of which it is not known whose they are have negative numbers.
        (brokers ?? [:]).values.count { $0.state == "UP" && $0.source != "logical" && ($0.nodeid ?? -1) >= 0 }
    }

    /// In seconds, over all brokers; `nil` when there was nothing.
    func average(_ window: (Broker) -> Window?) -> Double? {
        let windows = (brokers ?? [:]).values.compactMap(window)
        let count = windows.reduce(0) { $0 + ($1.cnt ?? 0) }
        guard count > 0 else { return nil }
        return windows.reduce(0) { $0 + ($1.avg ?? 0) * ($1.cnt ?? 0) } / count / 1e6
    }

    /// In seconds.
    var slowestRoundTrip: Double? {
        (brokers ?? [:]).values.compactMap { broker in (broker.rtt?.cnt ?? 0) > 0 ? broker.rtt?.p99 : nil }.max()
            .map { $0 / 1e6 }
    }

    /// Messages that are fetched and not taken.
    var prefetched: Double {
        (topics ?? [:]).values.reduce(0) { sum, topic in
            (topic.partitions ?? [:]).values.reduce(sum) { $0 + ($1.fetchq_cnt ?? 0) }
        }
    }
}
