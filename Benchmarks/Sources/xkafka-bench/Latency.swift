import ArgumentParser
import RawClient
import XKafka

/// How long one message takes when nothing else is under way.
struct Latency: AsyncParsableCommand {
    enum Side: String, ExpressibleByArgument {
        case raw, xkafka
    }

    static let configuration = CommandConfiguration(
        abstract: "The median time of an awaited message, without linger; prints it as JSON."
    )

    @Argument var side: Side
    @Option var brokers: String
    @Option var topic: String
    @Option var samples = 2_000
    @Option var size = 100
    @OptionGroup var counting: Counting

    func run() async throws {
        counting.prepare()
        let times = try await side == .raw ? raw() : library()
        // As if each had taken the median time.
        try Measurement(messages: Int64(samples), seconds: times.median * Double(samples), cpuSeconds: 0).report()
    }

    private func raw() throws -> [Double] {
        var times = [Double](repeating: 0, count: samples)
        let error = raw_latency(brokers, topic, Int32(samples), Int32(size), &times)
        guard error == 0 else { throw ValidationError("raw latency failed: \(error)") }
        return times
    }

    private func library() async throws -> [Double] {
        let producer = try Producer(Clients.producer(brokers, topic, linger: .zero))
        let message = ProduceMessage(
            key: "key-0",
            value: MessageBytes(repeatElement(UInt8(ascii: "x"), count: size))
        )
        var times: [Double] = []
        for number in -100..<samples {
            if number == 0 { raw_begin_allocations() }
            let start = ContinuousClock.now
            try await producer.produce(message)
            if number >= 0 { times.append(start.duration(to: .now) / .seconds(1)) }
        }
        raw_end_allocations()
        await producer.close()
        return times
    }
}
