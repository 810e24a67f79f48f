import CAllocationCount
import Foundation

/// Measures what it is given and prints a line for each.
struct MicroBench {
    enum Mode {
        /// The time, and allocations.
        case timing
        /// Instructions.
        case counting
        /// Nothing: plays so many repetitions, for somebody else to measure.
        case playing(Int)
    }

    private static let repetitions = 9

    static let header = line("benchmark", "ns/op", "min to max", "allocations/op")
    static let instructionsHeader = line("benchmark", "instructions/op")

    private let mode: Mode
    private let isMeant: (String) -> Bool

    /// Measures those whose names `isMeant` says yes to.
    init(_ mode: Mode, _ isMeant: @escaping (String) -> Bool) {
        self.mode = mode
        self.isMeant = isMeant
    }

    /// Measures `body`, which does `operations` operations and leaves the state as it found it.
    func measure<State>(
        _ name: String,
        operations: Int,
        from make: () -> State,
        _ body: (inout State) -> Void
    ) {
        guard isMeant(name) else { return }
        if case .counting = mode {
            let count = Instructions.count(of: name).map { one(Double($0) / Double(operations)) }
            print(Self.line(name, count ?? "not counted: valgrind does not take this program"))
            return
        }
        var state = make()
        // What grows, grows now.
        body(&state)
        if case .playing(let repetitions) = mode {
            for _ in 0..<repetitions { body(&state) }
            return
        }
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

    private func one(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func line(_ name: String, _ columns: String...) -> String {
        func pad(_ width: Int, _ text: String) -> String { String(repeating: " ", count: max(0, width - text.count)) }
        return name + pad(70, name) + columns.map { pad(20, $0) + $0 }.joined()
    }
}
