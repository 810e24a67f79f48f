import ArgumentParser
import Foundation

/// How the consumer behaves with few and many of something.
struct Scaling: AsyncParsableCommand {
    enum Part: String, ExpressibleByArgument, CaseIterable {
        case shards, keys, backlog
    }

    static let configuration = CommandConfiguration(
        abstract: "One to 256 shards, ten to a million keys, ten to a million messages behind one that is not done."
    )

    @Argument(help: "shards, keys or backlog; all unless told.") var parts: [Part] = Part.allCases
    @Option(help: "How often each figure is measured.") var runs = 3
    @Option(help: "The most keys and messages.") var most: Int64 = 1_000_000
    @Option(help: "Where scaling.md and scaling.json are written.") var output = ".build/bench"

    func run() async throws {
        guard runs > 0 else { throw ValidationError("nothing to run") }
        var results: [ScalingResult] = []
        for part in parts {
            switch part {
            case .shards: results += try shards()
            case .keys: results += try keys()
            case .backlog: results += try backlog()
            }
        }
        try ScalingResult.write(results, to: output)
    }

    /// A drain with other numbers of shards, each beside one with the default.
    private func shards() throws -> [ScalingResult] {
        let fixture = Row.Fixture.zipf100
        let filling = fixture.filling ?? []
        return try withTopic(fixture.partitions, fixture.perPartition, size: fixture.size, filling) { place in
            let drain = ["drain", "xkafka", "--messages", "\(fixture.messages)"] + place
            return try [1, 4, 16, 64, 256].map { count in
                var (own, usual): ([Measurement], [Measurement]) = ([], [])
                for _ in 0..<runs {
                    usual.append(try Child.measure(drain))
                    own.append(try Child.measure(drain + ["--shards", "\(count)"]))
                }
                let ratios = zip(own, usual).map { $0.rate / $1.rate }
                return ScalingResult("drain, shards: \(count) ÷ the default's 32", own, ratio: ratios.median).printed()
            }
        }
    }

    /// As many messages wait each time, of few keys or many.
    private func keys() throws -> [ScalingResult] {
        // Ten partitions, so that ten keys are in one each; short messages, so that the broker keeps 100,000 of each.
        let partitions = 10
        var results: [ScalingResult] = []
        for keys in steps {
            let filling = ["--keys", "turn", "--by-key", "--key-count", "\(keys)"]
            let own = try withTopic(partitions, most / Int64(partitions), size: 10, filling) { place in
                try measurements(["backlog", "--messages", "\(most)"] + place)
            }
            let rate = own.map(\.rate).median
            results.append(
                ScalingResult(
                    "\(most) messages of 10 B wait, \(keys) keys",
                    own,
                    ratio: results.first.map { rate / $0.rate } ?? 1
                ).printed()
            )
        }
        return results
    }

    /// More and more messages wait behind one of their key. What each of them takes is told by the memory beyond that of
    /// ten.
    private func backlog() throws -> [ScalingResult] {
        var results: [ScalingResult] = []
        var compared: Double?
        for count in steps {
            // The broker keeps 40,000 of a partition: where there are more, the key is in several, blocked in each.
            var partitions = (count + 39_999) / 40_000
            while count % partitions != 0 { partitions += 1 }
            let own = try withTopic(Int(partitions), count / partitions, size: 100, ["--keys", "one"]) { place in
                try measurements(["backlog", "--messages", "\(count)"] + place)
            }
            // Fewer tell little: neither how fast they go nor what they take.
            let isEnough = count >= 10_000
            let rate = own.map(\.rate).median
            if isEnough, compared == nil { compared = rate }
            var result = ScalingResult(
                "\(count) messages of 100 B wait behind one, partitions: \(partitions)",
                own,
                ratio: compared.map { rate / $0 }
            )
            if let few = results.first, isEnough {
                result.bytesPerMessage = (result.peakMemory - few.peakMemory) / Double(count)
            }
            results.append(result.printed())
        }
        return results
    }

    private var steps: [Int64] { [10, 100, 1_000, 10_000, 100_000, 1_000_000].filter { $0 <= most } }

    private func measurements(_ arguments: [String]) throws -> [Measurement] {
        try (0..<runs).map { _ in try Child.measure(arguments) }
    }

    /// Fills a topic of a broker of its own.
    private func withTopic<Result>(
        _ partitions: Int,
        _ perPartition: Int64,
        size: Int,
        _ filling: [String],
        _ body: (_ place: [String]) throws -> Result
    ) throws -> Result {
        let server = try Child.serve("scaling:\(partitions)")
        defer { server.stop() }
        let place = ["--brokers", server.firstLine, "--topic", "scaling"]
        let amount = ["--partitions", "\(partitions)", "--per-partition", "\(perPartition)", "--size", "\(size)"]
        _ = try Child.run(["fill"] + amount + filling + place)
        return try body(place)
    }
}
