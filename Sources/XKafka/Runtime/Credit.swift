import Synchronization

/// How many messages, and how many bytes of them, the consumer has in hand, and how many it may.
///
/// The consumer thread takes, workers give back. When the thread lacked room for something it could have
/// taken, it is woken once a few messages more were given back: taking them one by one would cost more
/// than it brings.
final class Credit: Sendable {
    let messageLimit: Int
    /// Follows the number of partitions.
    let byteLimit: Atomic<Int>
    private let messages = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    /// After how many messages given back the thread is to be woken; 0 when it lacks no room.
    private let wakeStep = Atomic<Int>(0)
    private let givenBack = Atomic<Int>(0)

    init(messages: Int, bytes: Int) {
        messageLimit = messages
        byteLimit = Atomic(bytes)
    }

    var messagesHeld: Int { messages.load(ordering: .sequentiallyConsistent) }
    var bytesHeld: Int { bytes.load(ordering: .sequentiallyConsistent) }

    /// How many messages may be taken, if each has about `bytesEach` bytes. While anything at all is
    /// free that is at least one, so that a message larger than the whole budget is read too.
    func room(bytesEach: Int) -> Int {
        let freeBytes = byteLimit.load(ordering: .relaxed) - bytesHeld
        let freeMessages = messageLimit - messagesHeld
        guard freeBytes > 0, freeMessages > 0 else { return 0 }
        return min(freeMessages, max(1, freeBytes / max(1, bytesEach)))
    }

    func take(messages messageCount: Int, bytes byteCount: Int) {
        messages.add(messageCount, ordering: .relaxed)
        bytes.add(byteCount, ordering: .relaxed)
    }

    /// Gives back what messages took. Answers whether the thread is to be woken.
    func giveBack(messages messageCount: Int = 1, bytes byteCount: Int) -> Bool {
        messages.subtract(messageCount, ordering: .sequentiallyConsistent)
        bytes.subtract(byteCount, ordering: .sequentiallyConsistent)
        let step = wakeStep.load(ordering: .sequentiallyConsistent)
        guard step > 0, givenBack.add(messageCount, ordering: .relaxed).newValue >= step else { return false }
        givenBack.store(0, ordering: .relaxed)
        return true
    }

    /// Called by the thread before it looks for room: whatever is given back from now on wakes it.
    func beginLooking() {
        wakeStep.store(1, ordering: .sequentiallyConsistent)
    }

    /// Called by the thread when it has looked for room everywhere.
    func endLooking(lackedRoom: Bool) {
        // An eighth of what is in hand: that much comes back however many messages are stuck.
        wakeStep.store(lackedRoom ? min(1_024, max(1, messagesHeld / 8)) : 0, ordering: .sequentiallyConsistent)
    }
}
