import ArgumentParser

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "xkafka-bench",
        abstract: "Compares XKafka with loops over librdkafka in C.",
        subcommands: [
            Run.self, Drain.self, Work.self, Produce.self, Latency.self, Idle.self, Fill.self, Serve.self,
        ],
        defaultSubcommand: Run.self
    )
}
