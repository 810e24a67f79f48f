import Synchronization
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

/// What went wrong with a message, and what comes next. Immutable, and shared by reference so that the
/// messages that are well stay small.
final class Trouble: Sendable {
    enum Next: Sendable {
        /// Another attempt, at this time.
        case attempt(at: ContinuousClock.Instant)
        /// Publishing its dead letter, or seeing what became of that.
        case publish(Publication)
        /// The same again, at this time.
        case republish(Publication, at: ContinuousClock.Instant)
    }

    /// The failures of its handler; `nil` when it had none.
    let failures: FailureRecord?
    /// When its first attempt began.
    let startedAt: ContinuousClock.Instant
    /// Why its logical key is not known.
    let keyFailure: (any Error)?
    /// What went wrong last: in its handler, or with its dead letter.
    let lastError: any Error
    let next: Next

    init(
        failures: FailureRecord?,
        startedAt: ContinuousClock.Instant,
        keyFailure: (any Error)?,
        lastError: any Error,
        next: Next
    ) {
        self.failures = failures
        self.startedAt = startedAt
        self.keyFailure = keyFailure
        self.lastError = lastError
        self.next = next
    }

    /// The same message, its key found.
    var withKey: Trouble {
        Trouble(failures: failures, startedAt: startedAt, keyFailure: nil, lastError: lastError, next: next)
    }

    /// The same message, one step on.
    func then(_ next: Next, _ error: (any Error)?) -> Trouble {
        Trouble(
            failures: failures,
            startedAt: startedAt,
            keyFailure: keyFailure,
            lastError: error ?? lastError,
            next: next
        )
    }
}

/// One try at publishing a dead letter.
final class Publication: Sendable {
    enum Outcome: Sendable {
        case published
        case failed(any Error)
        /// The partition is being given back: nothing should be published any more.
        case cancelled
    }

    let letter: DeadLetter
    /// Which try it is, counted from 1.
    let attempt: Int
    private let result = Mutex<Outcome?>(nil)

    init(_ letter: DeadLetter, attempt: Int) {
        self.letter = letter
        self.attempt = attempt
    }

    /// What became of it; `nil` when it was not started.
    var outcome: Outcome? { result.withLock { $0 } }

    func end(_ outcome: Outcome) {
        result.withLock { $0 = outcome }
    }

    var again: Publication { Publication(letter, attempt: attempt + 1) }
}
