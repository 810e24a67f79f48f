import Foundation

/// What came of one size of something.
struct ScalingResult: Codable {
    let name: String
    /// Messages per second: the median, the least and the most.
    let rate: Double
    let smallestRate: Double
    let largestRate: Double
    /// To the rate of what the part compares with; `nil` where there is too little to tell.
    let ratio: Double?
    /// The most memory, in bytes, a median.
    let peakMemory: Double
    /// What a message that waits takes, in bytes; `nil` where that was not asked or there are too few to tell.
    var bytesPerMessage: Double?

    init(_ name: String, _ measurements: [Measurement], ratio: Double?) {
        self.name = name
        rate = measurements.map(\.rate).median
        smallestRate = measurements.map(\.rate).min() ?? 0
        largestRate = measurements.map(\.rate).max() ?? 0
        self.ratio = ratio
        peakMemory = measurements.map { Double($0.peakMemory) }.median
    }

    static let header = """
        | what | messages/s | min to max | ratio | MiB | bytes per waiting message |
        |---|---|---|---|---|---|
        """

    var markdown: String {
        let ratio = ratio.map { String(format: "%.2f", $0) } ?? "–"
        let rates = "\(Int(rate)) | \(Int(smallestRate)) to \(Int(largestRate)) | \(ratio)"
        let bytes = bytesPerMessage.map { "\(Int($0))" } ?? "–"
        return "| \(name) | \(rates) | \(Int(peakMemory / 1_048_576)) | \(bytes) |"
    }

    /// Itself; shown as soon as it is known.
    func printed() -> ScalingResult {
        print(markdown)
        return self
    }

    static func write(_ results: [ScalingResult], to path: String) throws {
        let folder = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let table = ([header] + results.map(\.markdown)).joined(separator: "\n") + "\n"
        try Data(table.utf8).write(to: folder.appendingPathComponent("scaling.md"))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(results).write(to: folder.appendingPathComponent("scaling.json"))
        print("\n\(table)")
    }
}
