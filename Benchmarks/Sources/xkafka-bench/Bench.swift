import ArgumentParser

@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "xkafka-bench",
        abstract: "Compares XKafka with loops over librdkafka in C.",
        subcommands: [
            Run.self, Scaling.self, Rebalance.self, Memory.self,
            Drain.self, Backlog.self, Work.self, Produce.self, Latency.self, Idle.self, Peer.self,
            Fill.self, Load.self, Serve.self,
        ],
        defaultSubcommand: Run.self
    )
}
