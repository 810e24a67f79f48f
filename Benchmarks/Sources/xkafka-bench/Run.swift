import ArgumentParser
import Foundation

/// Runs both sides of every row in turn and prints how they compare.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The whole table.")

    @Option(help: "How often each side of a row is run.") var runs = 5
    @Option(help: "Only rows whose name contains this.") var filter: String?
    @Option(help: "Where results.md and results.json are written.") var output = ".build/bench"
    @Option(help: "Addresses of a cluster to use instead of the embedded broker.") var brokers: String?

    func run() async throws {
        let rows = Row.all.filter { row in filter.map { row.name.contains($0) } ?? true }.filter { row in
            guard let reason = row.peer?.reasonToSkip else { return true }
            print("skipped: \(row.name): \(reason)")
            return false
        }
        guard runs > 0, !rows.isEmpty else { throw ValidationError("nothing to run") }
        var results: [RowResult] = []
        for fixture in Row.Fixture.allCases {
            let own = rows.filter { $0.fixture == fixture }
            guard !own.isEmpty else { continue }
            // A broker for each topic: all of them at once would take a gigabyte.
            let topic = "\(fixture.rawValue)-\(UUID().uuidString.prefix(8))"
            let server = try brokers == nil ? Child.serve("\(topic):\(fixture.partitions)") : nil
            defer { server?.stop() }
            let addresses = brokers ?? server?.firstLine ?? ""
            let place = ["--brokers", addresses, "--topic", topic]
            if let filling = fixture.filling { try fill(fixture, filling, place) }
            for row in own {
                let result = try measure(row, place)
                print(result.markdown)
                results.append(result)
            }
        }
        let order = rows.map(\.name)
        results.sort { order.firstIndex(of: $0.name) ?? 0 < order.firstIndex(of: $1.name) ?? 0 }
        try write(results)
    }

    private func fill(_ fixture: Row.Fixture, _ filling: [String], _ place: [String]) throws {
        let amount = ["--partitions", "\(fixture.partitions)", "--per-partition", "\(fixture.perPartition)"]
        _ = try Child.run(["fill", "--size", "\(fixture.size)"] + filling + amount + place)
    }

    private func measure(_ row: Row, _ place: [String]) throws -> RowResult {
        var own: [Measurement] = []
        var baseline: [Measurement] = []
        for _ in 0..<runs {
            baseline.append(try Child.measure(row.baseline + place))
            own.append(try Child.measure(row.own + place))
        }
        guard row.countsAllocations else { return RowResult(row, own: own, baseline: baseline, counted: nil) }
        // Counting takes time, so what is counted is not timed.
        let counted = (
            own: try Child.measure(row.own + place + ["--count-allocations"]),
            baseline: try Child.measure(row.baseline + place + ["--count-allocations"])
        )
        return RowResult(row, own: own, baseline: baseline, counted: counted)
    }

    private func write(_ results: [RowResult]) throws {
        let folder = URL(fileURLWithPath: output)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let table = ([RowResult.header] + results.map(\.markdown)).joined(separator: "\n") + "\n"
        try Data(table.utf8).write(to: folder.appendingPathComponent("results.md"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(results).write(to: folder.appendingPathComponent("results.json"))
        print("\n\(table)")
    }
}
