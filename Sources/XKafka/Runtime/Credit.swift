import Synchronization

/// How many messages, and how many bytes of them, the consumer has in hand, and how many it may.
///
/// The consumer thread takes, workers give back. When the thread finds nothing to take, it says that
/// it is starved, and is woken once enough was given back to be worth its while.
final class Credit: Sendable {
    let messageLimit: Int
    let byteLimit: Int
    private let messages = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    private let isStarved = Atomic<Bool>(false)

    init(messages: Int, bytes: Int) {
        messageLimit = messages
        byteLimit = bytes
    }

    var messagesHeld: Int { messages.load(ordering: .relaxed) }
    var bytesHeld: Int { bytes.load(ordering: .relaxed) }

    /// How many messages may be taken, if each has about `bytesEach` bytes. While anything at all is
    /// free that is at least one, so that a message larger than the whole budget is read too.
    func room(bytesEach: Int) -> Int {
        let freeBytes = byteLimit - bytesHeld
        let freeMessages = messageLimit - messagesHeld
        guard freeBytes > 0, freeMessages > 0 else { return 0 }
        return min(freeMessages, max(1, freeBytes / max(1, bytesEach)))
    }

    func take(bytes count: Int) {
        messages.add(1, ordering: .relaxed)
        bytes.add(count, ordering: .relaxed)
    }

    /// Gives back what one message took. Answers whether the thread wants to know: `partitionHeld` and
    /// `partitionLimit` are those of the message's partition.
    func giveBack(bytes count: Int, partitionHeld: Int, partitionLimit: Int) -> Bool {
        let messagesHeld = messages.subtract(1, ordering: .sequentiallyConsistent).newValue
        let bytesHeld = bytes.subtract(count, ordering: .sequentiallyConsistent).newValue
        guard isStarved.load(ordering: .sequentiallyConsistent) else { return false }
        // A quarter free: taking one message at a time would cost more than it brings.
        return partitionHeld <= Self.low(partitionLimit)
            || (messagesHeld <= Self.low(messageLimit) && bytesHeld <= Self.low(byteLimit))
    }

    /// Called by the thread before it looks for room, so that nothing given back in between is missed,
    /// and afterwards with whether it lacked any.
    func setStarved(_ starved: Bool) {
        isStarved.store(starved, ordering: .sequentiallyConsistent)
    }

    private static func low(_ limit: Int) -> Int { limit / 4 * 3 + limit % 4 * 3 / 4 }
}
