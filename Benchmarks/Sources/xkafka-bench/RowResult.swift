import Foundation

/// What came of a row.
struct RowResult: Codable {
    let name: String
    /// The median of the ratios of the rates, pair by pair; more is better.
    let ratio: Double
    let smallestRatio: Double
    let largestRatio: Double
    let target: Double?
    /// `nil` when there is no target.
    let met: Bool?
    /// Messages per second, medians.
    let rate: Double
    let baselineRate: Double
    /// Processor time per message beside the baseline's; less is better.
    let cpuRatio: Double
    /// The most memory, in bytes, medians.
    let peakMemory: Double
    let baselinePeakMemory: Double

    init(_ row: Row, own: [Measurement], baseline: [Measurement]) {
        let ratios = zip(own, baseline).map { $0.rate / $1.rate }
        name = row.name
        ratio = ratios.median
        smallestRatio = ratios.min() ?? 0
        largestRatio = ratios.max() ?? 0
        target = row.target
        met = row.target.map { ratios.median >= $0 }
        rate = own.map(\.rate).median
        baselineRate = baseline.map(\.rate).median
        cpuRatio = zip(own, baseline).map { $0.cpuSeconds / $1.cpuSeconds }.median
        peakMemory = own.map { Double($0.peakMemory) }.median
        baselinePeakMemory = baseline.map { Double($0.peakMemory) }.median
    }

    static let header = """
        | what | target | ratio | min to max | met | messages/s | baseline | CPU ratio | MiB | baseline |
        |---|---|---|---|---|---|---|---|---|---|
        """

    var markdown: String {
        let verdict = met.map { $0 ? "yes" : "no" } ?? "–"
        let goal = target.map { "≥ \(two($0))" } ?? "–"
        let memory = "\(Int(peakMemory / 1_048_576)) | \(Int(baselinePeakMemory / 1_048_576))"
        return "| \(name) | \(goal) | \(two(ratio)) | \(two(smallestRatio)) to \(two(largestRatio)) | \(verdict) | "
            + "\(Int(rate)) | \(Int(baselineRate)) | \(two(cpuRatio)) | \(memory) |"
    }

    private func two(_ value: Double) -> String { String(format: "%.2f", value) }
}

extension [Double] {
    /// The middle one.
    var median: Double {
        let ordered = sorted()
        guard let upper = ordered.dropFirst(count / 2).first else { return 0 }
        return count % 2 == 1 ? upper : (ordered[count / 2 - 1] + upper) / 2
    }
}
