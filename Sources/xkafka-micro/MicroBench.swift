import CAllocationCount
import Foundation

/// Measures what it is given and prints a line for each.
struct MicroBench {
    enum Mode {
        /// The time, and allocations.
        case timing
        /// Nothing: plays each once, for somebody else to measure.
        case playing
        /// Not even that: says what would be played.
        case listing(List)
    }

    struct Played {
        let name: String
        let operations: Int
        /// How many times the instructions of the reference it may take, built for debugging, which takes more.
        let limit: Double
    }

    final class List {
        var benchmarks: [Played] = []
    }

    private static let repetitions = 9
    /// What instructions are compared with, since how many there are also depends on the compiler.
    static let reference = "reference: an entry of a dictionary of 1,000, made and removed"

    static let header = line("benchmark", "ns/op", "min to max", "allocations/op")
    static let instructionsHeader = line("benchmark", "instructions/op", "÷ reference", "at most")

    private let mode: Mode
    let isShort: Bool
    private let isMeant: (String) -> Bool

    /// Measures those whose names `isMeant` says yes to; a short one with few operations.
    init(_ mode: Mode, isShort: Bool, _ isMeant: @escaping (String) -> Bool) {
        self.mode = mode
        self.isShort = isShort
        self.isMeant = isMeant
    }

    /// How often something is to be done; less often in a short run.
    func rounds(_ count: Int) -> Int { isShort ? max(1, count / 250) : count }

    /// What everything is compared with.
    func measureReference() {
        let rounds = rounds(1_000)
        measure(Self.reference, operations: rounds * 1_000, atMost: 1) {
            [UInt64: UInt64]()
        } _: { dictionary in
            for _ in 0..<rounds {
                for number in 0..<1_000 as Range<UInt64> { dictionary[number] = number }
                for number in 0..<1_000 as Range<UInt64> { dictionary[number] = nil }
            }
        }
    }

    /// Measures `body`, which does `operations` operations and leaves the state as it found it.
    func measure<State>(
        _ name: String,
        operations: Int,
        atMost limit: Double,
        from make: () -> State,
        _ body: (inout State) -> Void
    ) {
        guard isMeant(name) || name == Self.reference else { return }
        if case .listing(let list) = mode {
            list.benchmarks.append(Played(name: name, operations: operations, limit: limit))
            return
        }
        var state = make()
        // What grows, grows now.
        body(&state)
        if case .playing = mode {
            playMeasured { body(&state) }
            endMeasuring()
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
                Self.one(times[times.count / 2]),
                "\(Self.one(times.first ?? 0)) to \(Self.one(times.last ?? 0))",
                allocations < 0 ? "not counted" : String(format: "%.4f", Double(allocations) / Double(operations))
            )
        )
    }

    static func printCount(_ benchmark: Played, _ count: Double, _ multiple: Double?, isTooMuch: Bool) {
        print(
            line(
                benchmark.name,
                one(count),
                multiple.map { String(format: "%.2f", $0) } ?? "",
                one(benchmark.limit) + (isTooMuch ? ": TOO MUCH" : "")
            )
        )
    }

    private static func one(_ value: Double) -> String { String(format: "%.1f", value) }

    private static func line(_ name: String, _ columns: String...) -> String {
        func pad(_ width: Int, _ text: String) -> String { String(repeating: " ", count: max(0, width - text.count)) }
        return name + pad(72, name) + columns.map { pad(20, $0) + $0 }.joined()
    }
}

/// Callgrind knows it by its name, and starts counting.
@inline(never)
private func playMeasured(_ body: () -> Void) {
    body()
}

/// The same, for the end. Does something, as it would not be called otherwise.
@inline(never)
private func endMeasuring() {
    fflush(nil)
}
