/// One comparison: this library's side and the baseline's, by their arguments.
struct Row: Sendable {
    let name: String
    /// What the ratio of the rates is to be at least; `nil` when no target was set.
    let target: Double?
    let own: [String]
    let baseline: [String]
    let fixture: Fixture

    /// How many allocations a message may cost beyond the baseline's; `nil` when no target was set.
    var allocationTarget: Double?
    /// Whether smaller is better and the ratio is that of times, such as a latency.
    var isTime = false
    /// Whose program the baseline is, if it is not ours.
    var peer: Peer.Side?
    /// Whether allocations of both sides can be compared.
    var countsAllocations = true

    /// The topic a row works on, and what it holds beforehand.
    enum Fixture: String, CaseIterable, Sendable {
        case zipf100, uniform100, oneKey100, zipf1024, keyed, single, produce, produceOne

        var partitions: Int {
            switch self {
            case .zipf1024: 256
            case .zipf100, .uniform100, .oneKey100: 64
            case .keyed, .produce: 12
            case .single, .produceOne: 1
            }
        }

        var size: Int { self == .zipf1024 ? 1_024 : 100 }

        /// The embedded broker keeps 5 MiB of a partition.
        var perPartition: Int64 { self == .zipf1024 ? 4_500 : 40_000 }
        var messages: Int64 { perPartition * Int64(partitions) }

        /// How `fill` is to fill it.
        var filling: [String]? {
            switch self {
            case .zipf100, .zipf1024: ["--keys", "zipf"]
            case .uniform100: ["--keys", "uniform"]
            case .oneKey100, .single: ["--keys", "one"]
            case .keyed: ["--keys", "uniform", "--by-key"]
            case .produce, .produceOne: nil
            }
        }
    }
}
