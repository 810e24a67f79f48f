/// One comparison: this library's side and the baseline's, by their arguments.
struct Row: Sendable {
    let name: String
    /// What the ratio of the rates is to be at least; `nil` when no target was set.
    let target: Double?
    let own: [String]
    let baseline: [String]
    let fixture: Fixture

    /// The topic a row works on, and what it holds beforehand.
    enum Fixture: String, CaseIterable, Sendable {
        case zipf100, uniform100, oneKey100, zipf1024, produce

        var partitions: Int { self == .zipf1024 ? 256 : self == .produce ? 12 : 64 }
        var size: Int { self == .zipf1024 ? 1_024 : 100 }

        /// The embedded broker keeps 5 MiB of a partition.
        var perPartition: Int64 { self == .zipf1024 ? 4_500 : 40_000 }
        var messages: Int64 { perPartition * Int64(partitions) }

        var keys: String? {
            switch self {
            case .zipf100, .zipf1024: "zipf"
            case .uniform100: "uniform"
            case .oneKey100: "one"
            case .produce: nil
            }
        }
    }

    private static func drain(_ name: String, _ fixture: Fixture, than baseline: String, _ target: Double?) -> Row {
        let rest = ["--messages", "\(fixture.messages)", "--passes", "3"]
        return Row(
            name: name,
            target: target,
            own: ["drain", "xkafka"] + rest,
            baseline: ["drain", baseline] + rest,
            fixture: fixture
        )
    }

    private static func produce(
        _ name: String,
        _ own: [String],
        than baseline: String = "raw",
        messages: Int = 2_048_000,
        _ target: Double?
    ) -> Row {
        let rest = ["--messages", "\(messages)"]
        return Row(
            name: name,
            target: target,
            own: ["produce"] + own + rest,
            baseline: ["produce", baseline] + rest,
            fixture: .produce
        )
    }

    static let all = [
        drain("group drain, 100 B, Zipf keys ÷ raw batches", .zipf100, than: "raw-batch", 0.90),
        drain("group drain, 100 B, Zipf keys ÷ raw poll", .zipf100, than: "raw-poll", 1.5),
        drain("group drain, 1 KiB, Zipf keys ÷ raw batches", .zipf1024, than: "raw-batch", 0.95),
        drain("group drain, 100 B, uniform keys ÷ raw batches", .uniform100, than: "raw-batch", nil),
        drain("group drain, 100 B, one key ÷ raw batches", .oneKey100, than: "raw-batch", nil),
        produce("produceAsync, futures awaited ÷ raw", ["async"], 0.70),
        produce("produceAsync, a function told ÷ raw", ["told"], nil),
        produce("produceAsync, serial ÷ raw", ["async", "--mode", "serial"], 0.50),
        produce("produceAsync, 1 middleware ÷ raw", ["async", "--middlewares", "1"], messages: 512_000, nil),
        produce("produceAsync, 4 middlewares ÷ raw", ["async", "--middlewares", "4"], messages: 512_000, nil),
        produce("batches of 1,000, one caller ÷ raw", ["batch"], than: "raw-batch", messages: 102_400, 0.80),
        produce("batches of 1,000, 64 callers ÷ raw", ["batches"], 0.60),
    ]
}
