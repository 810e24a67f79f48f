import Foundation

/// What came of a row.
struct RowResult: Codable {
    let name: String
    /// The median of the ratios, pair by pair: of the rates, where more is better, or of the times, where less is.
    let ratio: Double
    let smallestRatio: Double
    let largestRatio: Double
    let target: Double?
    /// `nil` when there is no target.
    let met: Bool?
    /// Messages per second, medians.
    let rate: Double
    let baselineRate: Double
    /// Processor time per message beside the baseline's; less is better. 0 where it was not measured.
    let cpuRatio: Double
    /// The most memory, in bytes, medians.
    let peakMemory: Double
    let baselinePeakMemory: Double
    /// Allocations per message from the first to the last, in a run of its own; `nil` where they were not counted.
    let allocations: Double?
    let baselineAllocations: Double?
    private let isTime: Bool

    init(_ row: Row, own: [Measurement], baseline: [Measurement], counted: (own: Measurement, baseline: Measurement)?) {
        let ratios = zip(own, baseline).map { row.isTime ? $0.seconds / $1.seconds : $0.rate / $1.rate }
        name = row.name
        isTime = row.isTime
        ratio = ratios.median
        smallestRatio = ratios.min() ?? 0
        largestRatio = ratios.max() ?? 0
        target = row.target
        let allocations = counted?.own.allocationsPerMessage
        let baselineAllocations = counted?.baseline.allocationsPerMessage
        self.allocations = allocations
        self.baselineAllocations = baselineAllocations
        let isLean = (allocations ?? 0) - (baselineAllocations ?? 0) <= row.allocationTarget ?? .infinity
        met = row.target.map { isLean && (row.isTime ? ratios.median <= $0 : ratios.median >= $0) }
        rate = own.map(\.rate).median
        baselineRate = baseline.map(\.rate).median
        let cpuRatios = zip(own, baseline).filter { $1.cpuSeconds > 0 }.map { $0.cpuSeconds / $1.cpuSeconds }
        cpuRatio = cpuRatios.median
        peakMemory = own.map { Double($0.peakMemory) }.median
        baselinePeakMemory = baseline.map { Double($0.peakMemory) }.median
    }

    static let header = """
        | what | target | ratio | min to max | met | messages/s | baseline | CPU ratio | MiB | baseline | allocations | baseline |
        |---|---|---|---|---|---|---|---|---|---|---|---|
        """

    var markdown: String {
        let verdict = met.map { $0 ? "yes" : "no" } ?? "–"
        let goal = target.map { "\(isTime ? "≤" : "≥") \(two($0))" } ?? "–"
        let rates = "\(pace(rate)) | \(pace(baselineRate)) | \(cpuRatio > 0 ? two(cpuRatio) : "–")"
        let memory = "\(Int(peakMemory / 1_048_576)) | \(Int(baselinePeakMemory / 1_048_576))"
        return "| \(name) | \(goal) | \(two(ratio)) | \(two(smallestRatio)) to \(two(largestRatio)) | \(verdict) | "
            + "\(rates) | \(memory) | \(allocations.map(two) ?? "–") | \(baselineAllocations.map(two) ?? "–") |"
    }

    /// A rate; or how long one takes, where that is compared.
    private func pace(_ rate: Double) -> String { isTime ? "\(Int(1_000_000 / rate)) µs" : "\(Int(rate))" }

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
