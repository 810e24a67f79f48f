import Dispatch
import XKafkaConsume
import XKafkaCore
import XKafkaWorkers

/// Asks the user's key extractor for the logical keys of messages, in their order, and hands them to the
/// workers.
///
/// On a thread of its own: the consumer thread never runs user code. How many messages wait here is bounded
/// by the messages in hand.
final class KeyExtraction: Sendable {
    private let extract: KeyExtractor
    private let routing: MessageRouting
    private let workers: WorkerPool<ConsumeRuntime>
    private let queue = DispatchQueue(label: "xkafka.keys")

    init(_ extract: @escaping KeyExtractor, _ routing: MessageRouting, _ workers: WorkerPool<ConsumeRuntime>) {
        self.extract = extract
        self.routing = routing
        self.workers = workers
    }

    /// Takes messages over, in order. They carry their default key until theirs is known.
    func submit(_ items: [WorkItem]) {
        guard !items.isEmpty else { return }
        queue.async { [self] in
            for item in items { submit(item) }
            workers.wake()
        }
    }

    private func submit(_ item: WorkItem) {
        do {
            try submitWithKey(item)
        } catch {
            // Its turn comes where a message without a key would have it, and there it fails.
            let place = routing.place(key: nil, offset: item.offset, of: item.partition)
            var item = item
            item.context = item.context.copied().placed(logicalKey: place.logicalKey, shard: place.shard)
            item.trouble = Trouble(
                failures: nil,
                startedAt: .now,
                keyFailure: error,
                lastError: error,
                next: .attempt(at: .now)
            )
            workers.submit(item, key: place.queue, shard: place.shard)
        }
    }

    /// Asks for the key of `item` and puts it at the end of that key's queue; throws what the extractor does.
    func submitWithKey(_ item: WorkItem) throws {
        let key = try extract(item.context)
        let place = routing.place(key: key, offset: item.offset, of: item.partition)
        var item = item
        item.trouble = item.trouble?.withKey
        item.context = item.context.placed(logicalKey: place.logicalKey, shard: place.shard)
        workers.submit(item, key: place.queue, shard: place.shard)
    }
}
