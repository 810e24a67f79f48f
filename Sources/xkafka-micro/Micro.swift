import Foundation

/// Measures the pure parts, without brokers and threads.
///
///     xkafka-micro                           everything
///     xkafka-micro tracker                   what has that in its name
///     xkafka-micro --instructions [tracker]  instructions instead of time, where there is valgrind
///     xkafka-micro --check                   the same of few operations, and whether they are no more than expected
@main
enum Micro {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        // For `Instructions` alone.
        case "--play":
            play(MicroBench(.playing, isShort: rest.contains("--short"), filter(rest.last { $0 != "--short" })))
        case "--instructions": try count(rest, isShort: false)
        case "--check": exit(try count(rest, isShort: true) ? 0 : 1)
        default:
            print(MicroBench.header)
            play(MicroBench(.timing, isShort: false, filter(arguments.first)))
        }
    }

    private static func filter(_ text: String?) -> (String) -> Bool {
        { name in text.map { name.contains($0) } ?? true }
    }

    private static func play(_ bench: MicroBench) {
        bench.measureReference()
        bench.measureTracker()
        bench.measureKeyQueues()
        bench.measureLanes()
    }

    /// Prints how many instructions each benchmark takes for an operation, and how many times as many as the reference.
    /// Answers whether that is at most what is allowed.
    @discardableResult
    private static func count(_ arguments: [String], isShort: Bool) throws -> Bool {
        guard Instructions.canBeCounted else {
            print("instructions are not counted: there is no valgrind")
            return true
        }
        let list = MicroBench.List()
        play(MicroBench(.listing(list), isShort: isShort, filter(arguments.first)))
        guard
            let counts = try Instructions.ofOneOperation(
                of: list.benchmarks,
                playing: (isShort ? ["--short"] : []) + arguments.prefix(1)
            )
        else {
            print("instructions are not counted: valgrind does not take this program")
            return true
        }
        let reference = zip(list.benchmarks, counts).first { $0.0.name == MicroBench.reference }?.1
        print(MicroBench.instructionsHeader)
        var isAllowed = true
        for (benchmark, count) in zip(list.benchmarks, counts) {
            let multiple = reference.map { count / $0 }
            let isTooMuch = multiple.map { $0 > benchmark.limit } ?? false
            if isTooMuch { isAllowed = false }
            MicroBench.printCount(benchmark, count, multiple, isTooMuch: isTooMuch)
        }
        return isAllowed
    }
}
