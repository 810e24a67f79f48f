extension Row {
    /// The whole table.
    static let all = reading + handling + producing + peers

    private static let reading = [
        drain("group drain, 100 B, Zipf keys ÷ raw batches", .zipf100, 0.90, allocations: 0.2),
        drain("group drain, 100 B, Zipf keys ÷ raw poll", .zipf100, than: ["raw-poll"], 1.5),
        drain("group drain, 1 KiB, Zipf keys ÷ raw batches", .zipf1024, 0.95),
        drain("group drain, 100 B, uniform keys ÷ raw batches", .uniform100, nil),
        drain("group drain, 100 B, one key ÷ raw batches", .oneKey100, nil),
        drain("group drain, 12 partitions ÷ raw batches", .keyed, nil),
        drain("group drain, 1 partition ÷ raw batches", .single, nil, passes: 20),
        drain("group drain, 1 middleware ÷ none", .zipf100, own: ["--middlewares", "1"], than: ["xkafka"], nil),
        drain("group drain, 4 middlewares ÷ none", .zipf100, own: ["--middlewares", "4"], than: ["xkafka"], nil),
        Row(
            name: "idle consumer, processor time ÷ raw",
            target: nil,
            own: ["idle", "xkafka"],
            baseline: ["idle", "raw"],
            fixture: .keyed,
            isTime: true,
            countsAllocations: false
        ),
    ]

    private static let handling = [
        work("handlers sleep 1 ms, at most 100 ÷ tasks", sleep: 1_000, limit: 100, messages: 240_000, 0.85),
        work("handlers sleep 1 ms, at most 1,000 ÷ tasks", sleep: 1_000, limit: 1_000, messages: 400_000, 0.85),
        work("handlers sleep 10 ms, at most 100 ÷ tasks", sleep: 10_000, limit: 100, messages: 30_000, 0.95),
        work("handlers sleep 10 ms, at most 1,000 ÷ tasks", sleep: 10_000, limit: 1_000, messages: 250_000, 0.95),
        work("handlers sleep 100 ms, at most 100 ÷ tasks", sleep: 100_000, limit: 100, messages: 4_000, 0.95),
        work("handlers sleep 100 ms, at most 1,000 ÷ tasks", sleep: 100_000, limit: 1_000, messages: 40_000, 0.95),
        work("one key, 1 ms ÷ a serial loop", sleep: 1_000, limit: 1, messages: 3_000, fixture: .single, 0.98),
        Row(
            name: "handlers compute 10 µs ÷ tasks",
            target: nil,
            own: ["work", "xkafka", "--compute", "10", "--limit", "32", "--messages", "400000"],
            baseline: ["work", "tasks", "--compute", "10", "--limit", "32", "--messages", "400000"],
            fixture: .keyed
        ),
        Row(
            name: "one key blocked for 5 s, the others ÷ unblocked",
            target: 0.95,
            own: ["work", "xkafka", "--sleep", "1000", "--limit", "100", "--messages", "200000", "--blocks-key"],
            baseline: ["work", "xkafka", "--sleep", "1000", "--limit", "100", "--messages", "200000"],
            fixture: .keyed
        ),
    ]

    private static let producing = [
        produce("produceAsync, futures awaited ÷ raw", ["async"], 0.70),
        produce("produceAsync, a function told ÷ raw", ["told"], nil),
        produce("produceAsync, serial ÷ raw", ["async", "--mode", "serial"], 0.50),
        produce("produceAsync, parallel ÷ raw", ["async", "--mode", "parallel"], nil),
        produce("produceAsync, 1 middleware ÷ raw", ["async", "--middlewares", "1"], messages: 512_000, nil),
        produce("produceAsync, 4 middlewares ÷ raw", ["async", "--middlewares", "4"], messages: 512_000, nil),
        produce("batches of 1,000, one caller ÷ raw", ["batch"], than: ["raw-batch"], messages: 102_400, 0.80),
        produce("batches of 1,000, 64 callers ÷ raw", ["batches"], 0.60),
        produce(
            "64 callers await each message, 12 partitions ÷ raw",
            ["callers", "--linger", "0"],
            than: ["raw-callers"],
            messages: 64_000,
            0.90
        ),
        produce(
            "64 callers await each message, 1 partition ÷ raw",
            ["callers", "--linger", "0"],
            than: ["raw-callers"],
            messages: 64_000,
            fixture: .produceOne,
            nil
        ),
        Row(
            name: "one awaited message, linger 0, median time ÷ raw",
            target: 1.3,
            own: ["latency", "xkafka"],
            baseline: ["latency", "raw"],
            fixture: .produce,
            isTime: true
        ),
    ]

    /// What others do with the same topic.
    private static let peers = [
        peer("group drain, 100 B, Zipf keys ÷ kcat, from start to exit", .kcat, .zipf100),
        peer("group drain, 100 B, Zipf keys ÷ confluent-kafka for Python", .pythonDrain, .zipf100),
        peer("produceAsync, futures awaited ÷ confluent-kafka for Python", .pythonProduce, .produce),
    ]

    private static func peer(_ name: String, _ peer: Peer.Side, _ fixture: Fixture) -> Row {
        let rest =
            switch peer {
            case .kcat, .pythonDrain: ["--messages", "\(fixture.messages)"]
            case .pythonProduce: ["--messages", "512000"]
            }
        return Row(
            name: name,
            target: nil,
            own: (peer == .pythonProduce ? ["produce", "async"] : ["drain", "xkafka"]) + rest,
            baseline: ["peer", peer.rawValue] + rest,
            fixture: fixture,
            peer: peer,
            countsAllocations: false
        )
    }

    private static func drain(
        _ name: String,
        _ fixture: Fixture,
        own: [String] = [],
        than baseline: [String] = ["raw-batch"],
        _ target: Double?,
        allocations: Double? = nil,
        passes: Int = 3
    ) -> Row {
        let rest = ["--messages", "\(fixture.messages)", "--passes", "\(passes)"]
        return Row(
            name: name,
            target: target,
            own: ["drain", "xkafka"] + own + rest,
            baseline: ["drain"] + baseline + rest,
            fixture: fixture,
            allocationTarget: allocations
        )
    }

    private static func work(
        _ name: String,
        sleep: Int,
        limit: Int,
        messages: Int,
        fixture: Fixture = .keyed,
        _ target: Double?
    ) -> Row {
        let rest = ["--sleep", "\(sleep)", "--limit", "\(limit)", "--messages", "\(messages)"]
        return Row(
            name: name,
            target: target,
            own: ["work", "xkafka"] + rest,
            baseline: ["work", "tasks"] + rest,
            fixture: fixture
        )
    }

    private static func produce(
        _ name: String,
        _ own: [String],
        than baseline: [String] = ["raw"],
        messages: Int = 2_048_000,
        fixture: Fixture = .produce,
        _ target: Double?
    ) -> Row {
        let rest = ["--messages", "\(messages)"]
        return Row(
            name: name,
            target: target,
            own: ["produce"] + own + rest,
            baseline: ["produce"] + baseline + rest,
            fixture: fixture
        )
    }
}
