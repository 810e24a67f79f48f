import XKafkaConsume
import XKafkaCore
import XKafkaOffsets

/// A message on its way through the workers. Small, since many of them wait.
struct WorkItem: Sendable {
    private enum Message {
        /// Still where it was fetched.
        case fetched(DeliveredBatch, index: Int)
        /// With a context that its batch does not know: a copy, a later attempt, or a key of the user's making.
        case own(OwnMessage)
    }

    private var message: Message
    /// Set once something went wrong with it; most messages never need it.
    var trouble: Trouble?

    init(_ index: Int, of batch: DeliveredBatch) {
        message = .fetched(batch, index: index)
    }

    /// What handlers get. A context that is set replaces the message's place in its batch.
    var context: ConsumeContext {
        get {
            switch message {
            case .fetched(let batch, let index): batch.context(of: index)
            case .own(let own): own.context
            }
        }
        set {
            message = .own(OwnMessage(context: newValue, partition: partition, delivery: delivery, bytes: bytes))
        }
    }

    var partition: AssignedPartition {
        switch message {
        case .fetched(let batch, _): batch.partition
        case .own(let own): own.partition
        }
    }

    var delivery: OffsetTracker.Delivery {
        switch message {
        case .fetched(let batch, let index): batch.places[index].delivery
        case .own(let own): own.delivery
        }
    }

    /// What it counts in the byte budget.
    var bytes: Int {
        switch message {
        case .fetched(let batch, let index): Int(batch.places[index].bytes)
        case .own(let own): own.bytes
        }
    }

    var offset: Int64 {
        switch message {
        case .fetched(let batch, let index): batch.places[index].offset
        case .own(let own): own.context.offset
        }
    }

    var position: TopicPartitionOffset {
        TopicPartitionOffset(partition.topicPartition, offset: offset)
    }

    /// Whether a dead letter of it is on its way: then it cannot be taken back.
    var isPublishing: Bool {
        if case .publish = trouble?.next { true } else { false }
    }

    /// The same item in memory of its own, if it came before `time` and is still where it was fetched.
    func copied(ifReceivedBefore time: ContinuousClock.Instant) -> WorkItem? {
        switch message {
        case .fetched(let batch, _): guard batch.receivedAt < time else { return nil }
        case .own(let own): guard own.context.receivedAt < time, !own.context.isCopied else { return nil }
        }
        var item = self
        item.context = context.copied()
        return item
    }

    /// The same item, one step on in its trouble, perhaps after another error.
    func then(_ next: Trouble.Next, after error: (any Error)? = nil) -> WorkItem {
        var item = self
        item.trouble = trouble?.then(next, error)
        return item
    }
}

/// A message that does not need its batch any more.
private final class OwnMessage: Sendable {
    let context: ConsumeContext
    let partition: AssignedPartition
    let delivery: OffsetTracker.Delivery
    let bytes: Int

    init(context: ConsumeContext, partition: AssignedPartition, delivery: OffsetTracker.Delivery, bytes: Int) {
        self.context = context
        self.partition = partition
        self.delivery = delivery
        self.bytes = bytes
    }
}
