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
        /// By name: librdkafka 2.0.2 waits most of a second before it first sends to a topic that
        /// is given by name only.
        var topics: [String: OpaquePointer] = [:]
        /// How many calls are using the client just now.
        var users = 0
        var isStopping = false
        /// When what is not delivered by then is given up.
        var purgeTime: ContinuousClock.Instant?
        var isEnded = false
    }

    private let client: ClientHandle
    /// Where delivery reports, errors and log lines arrive. Dropped by the thread before it destroys
    /// the client.
    private var events: EventQueue?
    private let state = Mutex(State())
    private let onEvent: @Sendable (ProducerEvent) -> Void
    private let ended = OneShot<Void>()

    /// Makes a producer and starts its thread, on which `onEvent` is called.
    package init(
        _ properties: ClientProperties,
        onEvent: @escaping @Sendable (ProducerEvent) -> Void
    ) throws(KafkaError) {
        let kinds = RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG
        client = try ClientHandle(.producer, properties, events: kinds)
        guard let queue = rd_kafka_queue_get_main(client.pointer) else {
            client.destroy()
            throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "create the producer")
        }
        rd_kafka_set_log_queue(client.pointer, queue)
        events = EventQueue(adopting: queue)
        self.onEvent = onEvent
        DedicatedThread.start("xkafka.producer") { self.serve() }
    }

    /// Runs `body` while the client cannot be destroyed; `nil` when it has been.
    private func use<Result>(_ body: () throws(KafkaError) -> Result) throws(KafkaError) -> Result? {
        let mayUse = state.withLock { state in
            if !state.isEnded { state.users += 1 }
            return !state.isEnded
        }
        guard mayUse else { return nil }
        defer {
            state.withLock { state in
                state.users -= 1
                // The thread may be waiting for just that. It cannot have dropped the queue: it takes
                // the lock and sees no users before it does.
                if state.isStopping, state.users == 0, let events { rd_kafka_queue_yield(events.pointer) }
            }
        }
        return try body()
    }

    // MARK: Sending

    /// Where a message goes and what it says.
    package struct Message {
        package var topic: String
        package var partition: Int32?
        package var key: MessageBytes?
        package var value: MessageBytes?
        package var headers: MessageHeaders
        package var timestamp: Int64?

        package init(
            topic: String,
            partition: Int32?,
            key: MessageBytes?,
            value: MessageBytes?,
            headers: MessageHeaders,
            timestamp: Int64?
        ) {
            self.topic = topic
            self.partition = partition
            self.key = key
            self.value = value
            self.headers = headers
            self.timestamp = timestamp
        }
    }

    /// Puts a message into librdkafka's queue, which copies it. `receiver` hears what becomes of it,
    /// unless an error is thrown.
    package func send(_ message: Message, receiver: some DeliveryReceiver) throws(KafkaError) {
        let sent: Void? = try use { () throws(KafkaError) in
            let topic = try topic(message.topic)
            let box = Unmanaged.passRetained(ReceiverBox(receiver))
            do throws(KafkaError) {
                try send(message, topic: topic, opaque: box.toOpaque())
            } catch {
                box.release()
                throw error
            }
        }
        if sent == nil { throw Self.stopped }
    }

    private static var stopped: KafkaError {
        KafkaError(RD_KAFKA_RESP_ERR__STATE, "send message", text: "the producer was stopped")
    }

    private func send(
        _ message: Message,
        topic: OpaquePointer,
        opaque: UnsafeMutableRawPointer
    ) throws(KafkaError) {
        let headers = message.headers.isEmpty ? nil : HeaderList(message.headers)
        let error: OpaquePointer? = message.key.withNullableBytes { key, keySize in
            message.value.withNullableBytes { value, valueSize in
                withUnsafeTemporaryAllocation(of: rd_kafka_vu_t.self, capacity: 8) { arguments in
                    var arguments = ArgumentList(arguments)
                    arguments.add(RD_KAFKA_VTYPE_RKT) { $0.rkt = topic }
                    arguments.add(RD_KAFKA_VTYPE_PARTITION) { $0.i32 = message.partition ?? RD_KAFKA_PARTITION_UA }
                    arguments.add(RD_KAFKA_VTYPE_MSGFLAGS) { $0.i = Int32(RD_KAFKA_MSG_F_COPY) }
                    arguments.add(RD_KAFKA_VTYPE_KEY) { $0.mem = .init(ptr: key, size: keySize) }
                    arguments.add(RD_KAFKA_VTYPE_VALUE) { $0.mem = .init(ptr: value, size: valueSize) }
                    arguments.add(RD_KAFKA_VTYPE_OPAQUE) { $0.ptr = opaque }
                    if let timestamp = message.timestamp {
                        arguments.add(RD_KAFKA_VTYPE_TIMESTAMP) { $0.i64 = timestamp }
                    }
                    if let headers {
                        arguments.add(RD_KAFKA_VTYPE_HEADERS) { $0.headers = headers.pointer }
                    }
                    return rd_kafka_produceva(client.pointer, arguments.start, arguments.count)
                }
            }
        }
        guard let error = KafkaError(consuming: error, "send message") else {
            headers?.disown()
            return
        }
        throw client.fatalError ?? error
    }

    private func topic(_ name: String) throws(KafkaError) -> OpaquePointer {
        let (topic, isStopping) = state.withLock { state -> (OpaquePointer?, Bool) in
            if state.isStopping { return (nil, true) }
            if let topic = state.topics[name] { return (topic, false) }
            // Local bookkeeping, no request: short enough for the lock.
            let topic = rd_kafka_topic_new(client.pointer, name, nil)
            state.topics[name] = topic
            return (topic, false)
        }
        if isStopping { throw Self.stopped }
        guard let topic else {
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "send message", text: "\"\(name)\" is not a topic name")
        }
        return topic
    }

    // MARK: Serving

    private func serve() {
        while let events {
            // Wakes for an event, or because somebody yields the queue.
            if let event = rd_kafka_queue_poll(events.pointer, pollTimeout) {
                serve(event)
                rd_kafka_event_destroy(event)
            }
            purgeIfDue()
            if endIfDone() { break }
        }
        events = nil
        for topic in state.withLock({ $0.topics }).values { rd_kafka_topic_destroy(topic) }
        // Before freeing the client, which waits for threads that may be looking up a host name.
        ended.resolve(())
        client.destroy()
    }

    /// A second at most, and not beyond the time to give up what is left.
    private var pollTimeout: Int32 {
        guard let purgeTime = state.withLock({ $0.purgeTime }) else { return 1_000 }
        let pause = ContinuousClock.now.duration(to: purgeTime)
        return min(1_000, max(pause, .milliseconds(20)).wholeMilliseconds)
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
        state.withLock { state in
            let isDone = state.isStopping && state.users == 0 && rd_kafka_outq_len(client.pointer) == 0
            if isDone { state.isEnded = true }
            return isDone
        }
    }

    private func serve(_ event: OpaquePointer) {
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_DR:
            while let message = rd_kafka_event_message_next(event) {
                guard let opaque = message.pointee._private else { continue }
                let box = Unmanaged<ReceiverBox>.fromOpaque(opaque).takeRetainedValue()
                box.receiver.receive(DeliveryReport(message))
            }
        case RD_KAFKA_EVENT_ERROR:
            let code = rd_kafka_event_error(event)
            let text = rd_kafka_event_error_string(event).map(String.init(cString:))
            onEvent(.error(client.fatalError ?? KafkaError(code, "produce", text: text)))
        case RD_KAFKA_EVENT_LOG:
            if let line = LogLine(event) { onEvent(.log(line)) }
        default: break
        }
    }

    // MARK: End

    /// Refuses further messages, and ends the thread when all outstanding ones were reported. What is
    /// not delivered at `purgeTime` is given up; its receivers hear so.
    package func stop(purgingAt purgeTime: ContinuousClock.Instant? = nil) {
        // Yielding is part of the use: the last user wakes the thread.
        _ = try? use {
            state.withLock { state in
                state.isStopping = true
                // The first caller's patience counts.
                if state.purgeTime == nil { state.purgeTime = purgeTime }
            }
        }
    }

    /// Waits until the last message was reported after ``stop()``.
    package func waitUntilStopped() async {
        await ended.waitIgnoringCancellation()
    }
}

/// Carries a receiver through librdkafka's opaque pointer.
private final class ReceiverBox: Sendable {
    let receiver: any DeliveryReceiver

    init(_ receiver: any DeliveryReceiver) {
        self.receiver = receiver
    }
}

/// The arguments of one `rd_kafka_produceva` call.
private struct ArgumentList {
    private let storage: UnsafeMutableBufferPointer<rd_kafka_vu_t>
    private(set) var count = 0

    init(_ storage: UnsafeMutableBufferPointer<rd_kafka_vu_t>) {
        self.storage = storage
    }

    var start: UnsafePointer<rd_kafka_vu_t>? { UnsafePointer(storage.baseAddress) }

    mutating func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_t.__Unnamed_union_u) -> Void) {
        var argument = rd_kafka_vu_t()
        argument.vtype = type
        set(&argument.u)
        storage.initializeElement(at: count, to: argument)
        count += 1
    }
}

/// Owns a librdkafka header list until a message takes it over.
private final class HeaderList {
    private(set) var pointer: OpaquePointer?

    init(_ headers: MessageHeaders) {
        pointer = rd_kafka_headers_new(headers.count)
        for header in headers {
            header.nameBytes.withUnsafeBytes { name in
                header.value.withNullableBytes { value, size in
                    _ = rd_kafka_header_add(
                        pointer,
                        name.baseAddress?.assumingMemoryBound(to: CChar.self) ?? emptyText,
                        name.count,
                        value,
                        size
                    )
                }
            }
        }
    }

    deinit {
        if let pointer { rd_kafka_headers_destroy(pointer) }
    }

    func disown() {
        pointer = nil
    }
}

/// A text of no characters. `nonisolated(unsafe)`: it points at a constant.
private nonisolated(unsafe) let emptyText: UnsafePointer<CChar> = {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    text.initialize(to: 0)
    return UnsafePointer(text)
}()

extension Optional<MessageBytes> {
    /// Lends the bytes as C wants them: a null pointer for `nil`, any other for an empty run.
    fileprivate func withNullableBytes<Result>(_ body: (UnsafeMutableRawPointer?, Int) -> Result) -> Result {
        guard let self else { return body(nil, 0) }
        return self.withUnsafeBytes { bytes in
            // librdkafka copies from here and never writes.
            let start = bytes.baseAddress ?? UnsafeRawPointer(emptyText)
            return body(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}
