import Synchronization
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Sends messages until it is told to stop.
final class Load: Sendable {
    private let sent = Atomic<Int>(0)
    private let isEnding = Atomic<Bool>(false)
    private let task: Mutex<Task<Void, any Error>?> = Mutex(nil)

    /// Sends `perTick` messages every 20 ms, over `keys` keys.
    init(_ producer: Producer, perTick: Int = 10, keys: Int = 40) {
        let task = Task { [self] in
            while !isEnding.load(ordering: .relaxed) {
                let first = sent.load(ordering: .relaxed)
                try await producer.produceBatch(
                    (first..<first + perTick).map { ProduceMessage(key: "k\($0 % keys)", value: "\($0)") }
                )
                sent.store(first + perTick, ordering: .relaxed)
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        self.task.withLock { $0 = task }
    }

    var count: Int { sent.load(ordering: .relaxed) }

    /// Stops sending. Answers how many messages were sent in all.
    func stop() async throws -> Int {
        isEnding.store(true, ordering: .relaxed)
        try await task.withLock { $0 }?.value
        return count
    }
}

/// Makes handlers slow until they are to hurry.
final class Pace: Sendable {
    private let isFast = Atomic<Bool>(false)

    /// Takes a while.
    func wait() async {
        guard !isFast.load(ordering: .relaxed) else { return }
        try? await Task.sleep(for: .milliseconds(100))
    }

    func hurry() {
        isFast.store(true, ordering: .relaxed)
    }
}
