import CKafka
import Synchronization
package import XKafkaCore

/// A librdkafka producer and the thread that serves its delivery reports.
///
/// `@unchecked Sendable`: librdkafka's client is thread-safe, and the rest is behind a lock. The thread
/// destroys the client after ``stop()``, when the last report was served and nobody uses it any more;
/// everybody else goes through ``use(_:)``, which keeps it from doing so.
package final class ProducerClient: @unchecked Sendable {
    private struct State {
        /// By name, for the whole life of the client.
        var topics: [String: ProducerTopic] = [:]
        /// When what is not delivered by then is given up.
        var purgeTime: ContinuousClock.Instant?
    }

    /// How many calls are using the client just now, times 4; and whether it is stopping, and has ended.
    /// One word, so that using the client costs two additions.
    private let usage = Atomic<Int>(0)
    private static let stoppingBit = 1
    private static let endedBit = 2
    private static let oneUse = 4

    private let client: ClientHandle
    /// Where delivery reports, errors and log lines arrive. Dropped by the thread before it destroys
    /// the client.
    private var events: EventQueue?
    private let state = Mutex(State())
    private let onEvent: @Sendable (ProducerEvent) -> Void
    private let onDeliveries: @Sendable ([Delivered]) -> Void
    private let ended = OneShot<Void>()
    let spent = SpentEvents()

    var pointer: OpaquePointer { client.pointer }

    /// The fatal error that this client has met, if any.
    var fatalError: KafkaError? { client.fatalError }

    /// Makes a producer and starts its thread, on which `onEvent` and `onDeliveries` are called.
    ///
    /// - Parameter onDeliveries: told what became of the messages that were sent, many at a time, in the order in
    ///   which librdkafka reports. It must return at once. By default the messages' receivers are told; with a
    ///   function of your own, send with targets only.
    package init(
        _ properties: ClientProperties,
        onEvent: @escaping @Sendable (ProducerEvent) -> Void,
        onDeliveries: @escaping @Sendable ([Delivered]) -> Void = tellReceivers
    ) throws(KafkaError) {
        let kinds = RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_STATS
        client = try ClientHandle(.producer, properties, events: kinds)
        guard let queue = rd_kafka_queue_get_main(client.pointer) else {
            client.destroy()
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "create the producer")
        }
        rd_kafka_set_log_queue(client.pointer, queue)
        events = EventQueue(adopting: queue)
        self.onEvent = onEvent
        self.onDeliveries = onDeliveries
        DedicatedThread.start("xkafka.producer") { self.serve() }
    }

    /// Runs `body` while the client cannot be destroyed; `nil` when it has been.
    func use<Result>(_ body: () throws(KafkaError) -> Result) throws(KafkaError) -> Result? {
        let before = usage.add(Self.oneUse, ordering: .acquiring).oldValue
        guard before & Self.endedBit == 0 else {
            usage.subtract(Self.oneUse, ordering: .relaxed)
            return nil
        }
        defer {
            // The thread may be waiting for the last user. The one that sees itself as the last still
            // counts as a user while it wakes the thread, so that the queue is there.
            if usage.load(ordering: .relaxed) & Self.stoppingBit != 0, let events {
                rd_kafka_queue_yield(events.pointer)
            }
            usage.subtract(Self.oneUse, ordering: .releasing)
        }
        return try body()
    }

    /// Whether ``stop(purgingAt:)`` was called.
    var isStopping: Bool { usage.load(ordering: .relaxed) & Self.stoppingBit != 0 }

    /// The handle of a topic, made when it is first asked for.
    package func topic(_ name: String) throws(KafkaError) -> ProducerTopic {
        let known = try use { () throws(KafkaError) in
            state.withLock { state -> ProducerTopic? in
                if let topic = state.topics[name] { return topic }
                // Local bookkeeping, no request: short enough for the lock.
                guard let pointer = rd_kafka_topic_new(client.pointer, name, nil) else { return nil }
                let topic = ProducerTopic(name: name, pointer)
                state.topics[name] = topic
                return topic
            }
        }
        switch known {
        case .some(.some(let topic)): return topic
        case .some(nil):
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "send message", text: "\"\(name)\" is not a topic name")
        case nil: throw KafkaError(RD_KAFKA_RESP_ERR__STATE, "send message", text: "the producer was stopped")
        }
    }

    // MARK: Serving

    private func serve() {
        var batch: [Delivered] = []
        while let events {
            // Wakes for an event, or because somebody yields the queue.
            if let event = rd_kafka_queue_poll(events.pointer, pollTimeout) {
                let messages = rd_kafka_event_message_count(event)
                var targets: [DeliveryTarget] = []
                serve(event, &batch, &targets)
                dispose(event, messages, targets)
            } else {
                // Nobody sends just now, or not enough.
                spent.destroyAll()
            }
            purgeIfDue()
            if endIfDone() { break }
        }
        events = nil
        for topic in state.withLock({ $0.topics }).values { rd_kafka_topic_destroy(topic.pointer) }
        // Before freeing the client, which waits for threads that may be looking up a host name.
        ended.resolve(())
        client.destroy()
    }

    private func dispose(_ event: OpaquePointer, _ messages: Int, _ targets: [DeliveryTarget]) {
        if rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR, !isStopping {
            spent.add(event, messages: messages, targets: targets)
        } else {
            rd_kafka_event_destroy(event)
        }
    }

    /// A second at most, and not beyond the time to give up what is left. Short while stopping: whoever
    /// used the client last may have woken the thread a moment too early.
    private var pollTimeout: Int32 {
        let limit: Int32 = isStopping ? 20 : spent.isEmpty ? 1_000 : 5
        guard let purgeTime = state.withLock({ $0.purgeTime }) else { return limit }
        let pause = ContinuousClock.now.duration(to: purgeTime)
        return min(limit, max(pause, .milliseconds(20)).wholeMilliseconds)
    }

    private func purgeIfDue() {
        guard let purgeTime = state.withLock({ $0.purgeTime }), ContinuousClock.now >= purgeTime else { return }
        // Again and again until nothing is left: a message may have been on its way into the queue.
        rd_kafka_purge(
            client.pointer,
            RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING
        )
    }

    private func endIfDone() -> Bool {
        // Stopping, and nobody inside: then nothing can be added to librdkafka's queue any more.
        guard usage.load(ordering: .acquiring) == Self.stoppingBit, rd_kafka_outq_len(client.pointer) == 0 else {
            return false
        }
        return usage.compareExchange(
            expected: Self.stoppingBit,
            desired: Self.stoppingBit | Self.endedBit,
            ordering: .acquiringAndReleasing
        ).exchanged
    }

    /// Tells what the event says. Adds to `targets` those that nobody else has any more.
    private func serve(_ event: OpaquePointer, _ batch: inout [Delivered], _ targets: inout [DeliveryTarget]) {
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_DR:
            while let message = rd_kafka_event_message_next(event) {
                guard let opaque = message.pointee._private else { continue }
                // Another thread wrote it. Looked at here, each would be waited for; so they come while others are read.
                xkafka_prefetch(opaque)
                batch.append(Delivered(message, .fromOpaque(opaque)))
                if batch.count == Self.batchLimit { deliver(&batch, &targets) }
            }
            deliver(&batch, &targets)
        case RD_KAFKA_EVENT_ERROR:
            let code = rd_kafka_event_error(event)
            let text = rd_kafka_event_error_string(event).map(String.init(cString:))
            onEvent(.error(client.fatalError ?? KafkaError(code, "produce", text: text)))
        case RD_KAFKA_EVENT_LOG:
            if let line = LogLine(event) { onEvent(.log(line)) }
        case RD_KAFKA_EVENT_STATS:
            if let json = Statistics.json(of: event) { onEvent(.statistics(json)) }
        default: break
        }
    }

    /// As many reports as are passed on at once: few enough that those who wait for a lock meanwhile do
    /// not wait for long.
    private static let batchLimit = 256

    private func deliver(_ batch: inout [Delivered], _ targets: inout [DeliveryTarget]) {
        guard !batch.isEmpty else { return }
        onDeliveries(batch)
        for delivered in batch {
            if let target = delivered.release() { targets.append(target) }
        }
        batch.removeAll(keepingCapacity: true)
    }

    // MARK: End

    /// Sends what waits for others to share its request, at once, until `isDone` says so or `deadline`
    /// has come. Blocks; the thread that serves the reports goes on meanwhile.
    package func hurry(until deadline: ContinuousClock.Instant, isDone: () -> Bool) {
        while !isDone(), ContinuousClock.now < deadline {
            let pause = min(max(ContinuousClock.now.duration(to: deadline), .milliseconds(1)), .milliseconds(100))
            let state = try? use { rd_kafka_flush(client.pointer, pause.wholeMilliseconds) }
            guard let state, state != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        }
    }

    /// Refuses further messages, and ends the thread when all outstanding ones were reported. What is
    /// not delivered at `purgeTime` is given up; its receivers hear so.
    package func stop(purgingAt purgeTime: ContinuousClock.Instant? = nil) {
        // Yielding is part of the use: the last user wakes the thread.
        _ = try? use {
            state.withLock { state in
                // The first caller's patience counts.
                if state.purgeTime == nil { state.purgeTime = purgeTime }
            }
            usage.bitwiseOr(Self.stoppingBit, ordering: .relaxed)
        }
    }

    /// How many messages librdkafka has: those under way, and those that were reported and are not freed yet.
    package var heldMessages: Int {
        let count = try? use { Int(rd_kafka_outq_len(client.pointer)) }
        return count.flatMap { $0 } ?? 0
    }

    /// Waits until the last message was reported after ``stop()``.
    package func waitUntilStopped() async {
        await ended.waitIgnoringCancellation()
    }
}
