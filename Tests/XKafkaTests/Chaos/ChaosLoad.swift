import Synchronization
import XKafka
import XKafkaTestingInternal

/// Sends numbered messages at a bounded rate, some keys much more often than others, until it is told to stop.
final class ChaosLoad: Sendable {
    /// Messages a second.
    static let rate = 300
    private static let tick = 20
    private static let keys = 200
    /// How many messages may be under way: the brokers may be away for a while, and what they miss comes at once then.
    private static let limit = 2_000

    private struct State {
        var sent = 0
        var open = 0
        var acknowledged: [ChaosRecord.Acknowledged] = []
        var failed: [String] = []
    }

    private let state = Mutex(State())
    private let isEnding = Atomic<Bool>(false)

    /// Sends until ``stop()``.
    func run(_ producer: Producer, seed: UInt64) async throws {
        var random = SeededGenerator(seed: ~seed)
        let zipf = Zipf(count: Self.keys)
        var time = ContinuousClock.now
        while !isEnding.load(ordering: .relaxed) {
            for _ in 0..<Self.rate * Self.tick / 1_000 where state.withLock({ $0.open < Self.limit }) {
                try await send(to: producer, key: "k\(zipf.rank(using: &random))")
            }
            time += .milliseconds(Self.tick)
            try await Task.sleep(until: time)
        }
        try await producer.flush(deadline: .seconds(30))
    }

    private func send(to producer: Producer, key: String) async throws {
        let number = state.withLock { state in
            state.sent += 1
            state.open += 1
            return state.sent
        }
        try await producer.produceAsync(ProduceMessage(key: MessageBytes(key), value: "\(number)")) { outcome in
            self.state.withLock { state in
                state.open -= 1
                switch outcome {
                case .success(let result):
                    // Without an offset librdkafka concluded from later acknowledgements that the brokers have it,
                    // which the embedded one does not guarantee.
                    guard let offset = result.offset else { return }
                    state.acknowledged.append(
                        .init(
                            number: number,
                            key: key,
                            partition: result.partition,
                            offset: offset,
                            time: LedgerLine.now
                        )
                    )
                case .failure(let error): state.failed.append("\(number): \(error)")
                }
            }
        }
    }

    func stop() { isEnding.store(true, ordering: .relaxed) }

    func note(in record: inout ChaosRecord) {
        state.withLock { state in
            record.sent = state.sent
            record.acknowledged = state.acknowledged
            record.failed = state.failed
        }
    }
}

/// Numbers of which the first is the most frequent, the second half as frequent, and so on.
struct Zipf: Sendable {
    private let sums: [Double]

    init(count: Int) {
        var sum = 0.0
        sums = (1...max(1, count)).map { rank in
            sum += 1 / Double(rank)
            return sum
        }
    }

    func rank(using random: inout SeededGenerator) -> Int {
        let lot = Double.random(in: 0..<(sums.last ?? 1), using: &random)
        return sums.firstIndex { lot < $0 } ?? 0
    }
}
