import ArgumentParser
import RawClient
import Synchronization
import XKafka

/// Lets no handler end until all messages wait behind them, then lets all go.
struct Backlog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Messages that wait: the memory for them, and how fast they then go; prints it as JSON."
    )

    /// So many messages may be in hand: 32 shards of 32,768.
    static let limit = 32 * 32_768

    @Option var brokers: String
    @Option var topic: String
    @Option(help: "How many messages the topic holds.") var messages: Int64
    @OptionGroup var counting: Counting

    func validate() throws {
        guard messages <= Self.limit else { throw ValidationError("at most \(Self.limit) messages can wait") }
    }

    func run() async throws {
        counting.prepare()
        var config = Clients.consumer(brokers, topic)
        config.processing.shardCount = 32
        config.processing.shardQueueSize = 32_768
        config.processing.byteBudget = 1_024 * 1_024 * 1_024
        let consumer = try GroupConsumer(config)
        let gate = HandlerGate()
        let counter = MessageCounter(limit: messages)
        let consuming = Task {
            try await consumer.consume { _ in
                await gate.pass()
                counter.count()
            }
        }
        // Nothing tells that the last one has come, so it is asked.
        while try await consumer.snapshot().messagesInHand < messages { try await Task.sleep(for: .milliseconds(20)) }
        let memory = raw_peak_memory()
        counter.begin()
        gate.open()
        var measurement = await counter.end.value
        measurement.peakMemory = memory
        await consumer.close()
        _ = try await consuming.value
        try measurement.report()
    }
}

/// Keeps handlers until it is opened.
private final class HandlerGate: Sendable {
    private let isOpen = Atomic<Bool>(false)
    /// `nil` when it is open.
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]?>([])

    func pass() async {
        if isOpen.load(ordering: .acquiring) { return }
        await withCheckedContinuation { continuation in
            let isLate = waiting.withLock { waiting in
                waiting?.append(continuation)
                return waiting == nil
            }
            if isLate { continuation.resume() }
        }
    }

    func open() {
        let waiting = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting ?? []
        }
        isOpen.store(true, ordering: .releasing)
        for continuation in waiting { continuation.resume() }
    }
}
