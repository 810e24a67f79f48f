import CAllocationCount
import Foundation

/// Measures what it is given and prints a line for each.
struct MicroBench {
    /// Only what has this in its name.
    let filter: String?

    private static let repetitions = 9

    static let header = line("benchmark", "ns/op", "min to max", "allocations/op")

    /// Measures `body`, which does `operations` operations and leaves the state as it found it, several times.
    func measure<State>(
        _ name: String,
        operations: Int,
        from make: () -> State,
        _ body: (inout State) -> Void
    ) {
        guard filter.map({ name.contains($0) }) ?? true else { return }
        var state = make()
        // What grows, grows now.
        body(&state)
        var times: [Double] = []
        for _ in 0..<Self.repetitions {
            let start = ContinuousClock.now
            body(&state)
            times.append(start.duration(to: .now) / .nanoseconds(1) / Double(operations))
        }
        times.sort()
        // Counting takes time, so what is counted is not timed.
        allocation_count_begin()
        body(&state)
        let allocations = allocation_count_end()
        print(
            Self.line(
                name,
                one(times[times.count / 2]),
                "\(one(times.first ?? 0)) to \(one(times.last ?? 0))",
                allocations < 0 ? "not counted" : String(format: "%.4f", Double(allocations) / Double(operations))
            )
        )
    }

    private func one(_ nanoseconds: Double) -> String { String(format: "%.1f", nanoseconds) }

    private static func line(_ name: String, _ median: String, _ range: String, _ allocations: String) -> String {
        func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }
        let name = name + String(repeating: " ", count: max(0, 62 - name.count))
        return "\(name) \(right(median, 8)) \(right(range, 18)) \(right(allocations, 15))"
    }
}
