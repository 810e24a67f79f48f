/// Measures the pure parts, without brokers and threads.
///
///     xkafka-micro            everything
///     xkafka-micro tracker    what has that in its name
@main
enum Micro {
    static func main() {
        let bench = MicroBench(filter: CommandLine.arguments.dropFirst().first)
        print(MicroBench.header)
        bench.measureTracker()
        bench.measureKeyQueues()
        bench.measureLanes()
    }
}
