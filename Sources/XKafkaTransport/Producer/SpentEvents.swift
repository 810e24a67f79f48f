import CKafka
import Synchronization

/// Delivery reports that were served and whose messages are still to be freed, and their targets, by those who send.
///
/// The C library keeps what is freed for the thread that freed it. Messages that are made by one thread and freed by
/// another cost both of them a lock, each time, for which they also wait; freed by those who make them, they do not.
final class SpentEvents: Sendable {
    /// `@unchecked Sendable`: whoever has taken it is the only one who has, and librdkafka lets any thread destroy it.
    private struct Event: @unchecked Sendable {
        let pointer: OpaquePointer
        let messages: Int
        let targets: [DeliveryTarget]
    }

    private struct State {
        var events: [Event] = []
        var messages = 0
    }

    /// How many messages may wait to be freed. They count as unsent with librdkafka, and take memory.
    private static let messageLimit = 20_000

    private let state = Mutex(State())
    /// Whether there is something, so that senders need not look.
    private let isFilled = Atomic<Bool>(false)

    var isEmpty: Bool { !isFilled.load(ordering: .relaxed) }

    /// Takes an event over that has so many messages, or destroys it if there are enough. (librdkafka counts those alone
    /// that were not looked at.)
    ///
    /// - Parameter targets: the messages' targets that nobody else has.
    func add(_ pointer: OpaquePointer, messages: Int, targets: [DeliveryTarget]) {
        let event = Event(pointer: pointer, messages: messages, targets: targets)
        let isTaken = state.withLock { state in
            guard state.messages + event.messages <= Self.messageLimit else { return false }
            state.events.append(event)
            state.messages += event.messages
            isFilled.store(true, ordering: .relaxed)
            return true
        }
        if !isTaken { rd_kafka_event_destroy(pointer) }
    }

    /// Destroys one, if there is one.
    func destroyOne() {
        guard isFilled.load(ordering: .relaxed) else { return }
        let event = state.withLock { state -> Event? in
            guard let event = state.events.popLast() else { return nil }
            state.messages -= event.messages
            if state.events.isEmpty { isFilled.store(false, ordering: .relaxed) }
            return event
        }
        if let event { rd_kafka_event_destroy(event.pointer) }
    }

    /// Destroys all there are.
    func destroyAll() {
        while !isEmpty { destroyOne() }
    }
}
