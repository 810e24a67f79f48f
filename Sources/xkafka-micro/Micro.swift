/// Measures the pure parts, without brokers and threads.
///
///     xkafka-micro                           everything
///     xkafka-micro tracker                   what has that in its name
///     xkafka-micro --instructions [tracker]  instructions instead of time, where there is valgrind
@main
enum Micro {
    static func main() {
        var arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        // For `Instructions` alone.
        case "--play" where arguments.count == 3:
            play(MicroBench(.playing(Int(arguments.last ?? "") ?? 0)) { $0 == arguments.dropFirst().first })
        case "--instructions":
            arguments = arguments.dropFirst()
            guard Instructions.canBeCounted else {
                print("instructions are not counted: there is no valgrind")
                return
            }
            print(MicroBench.instructionsHeader)
            play(MicroBench(.counting, filter(arguments.first)))
        default:
            print(MicroBench.header)
            play(MicroBench(.timing, filter(arguments.first)))
        }
    }

    private static func filter(_ text: String?) -> (String) -> Bool {
        { name in text.map { name.contains($0) } ?? true }
    }

    private static func play(_ bench: MicroBench) {
        bench.measureTracker()
        bench.measureKeyQueues()
        bench.measureLanes()
    }
}
