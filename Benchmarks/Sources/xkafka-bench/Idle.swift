import ArgumentParser
import RawClient
import XKafka

/// What a consumer costs that has nothing to do.
struct Idle: AsyncParsableCommand {
    enum Side: String, ExpressibleByArgument {
        case raw, xkafka
    }

    static let configuration = CommandConfiguration(
        abstract: "The processor time of five idle seconds, as if it were time; prints it as JSON."
    )

    @Argument var side: Side
    @Option var brokers: String
    @Option var topic: String
    @OptionGroup var counting: Counting

    func run() async throws {
        let seconds = 5.0
        var cpuSeconds = 0.0
        switch side {
        case .raw:
            let error = raw_idle(brokers, topic, Clients.newGroup(), seconds, &cpuSeconds)
            guard error == 0 else { throw ValidationError("raw idle failed: \(error)") }
        case .xkafka:
            var config = Clients.consumer(brokers, topic)
            config.start = .latest
            let consumer = try GroupConsumer(config)
            let consuming = Task { try await consumer.consume { _ in } }
            // Long enough for the first join of a group.
            try await Task.sleep(for: .seconds(5))
            let start = raw_cpu_seconds()
            try await Task.sleep(for: .seconds(seconds))
            cpuSeconds = raw_cpu_seconds() - start
            await consumer.close()
            _ = try await consuming.value
        }
        try Measurement(messages: 1, seconds: cpuSeconds, cpuSeconds: cpuSeconds).report()
    }
}
