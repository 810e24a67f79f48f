import CKafka

/// Owns one reference to a librdkafka queue.
///
/// `@unchecked Sendable`: queues lock themselves. The reference is dropped once, in `deinit`.
package final class EventQueue: @unchecked Sendable {
    package let pointer: OpaquePointer
    /// What `pointer` calls when it gets its first element; retained until the call is disabled.
    private let waker: Unmanaged<Waker>?

    /// Takes over one reference.
    ///
    /// - Parameter onElement: called, on a thread of librdkafka's and with the queue locked, when the
    ///   queue stops being empty. It must return at once and must not touch the queue.
    package init(adopting pointer: OpaquePointer, onElement: (@Sendable () -> Void)? = nil) {
        self.pointer = pointer
        waker = onElement.map { Unmanaged.passRetained(Waker($0)) }
        if let waker {
            rd_kafka_queue_cb_event_enable(
                pointer,
                { _, opaque in
                    guard let opaque else { return }
                    Unmanaged<Waker>.fromOpaque(opaque).takeUnretainedValue().onElement()
                },
                waker.toOpaque()
            )
        }
    }

    deinit {
        if let waker {
            // Disabling takes the queue's lock, and the callback runs with it held: afterwards none
            // is running and none will.
            rd_kafka_queue_cb_event_enable(pointer, nil, nil)
            waker.release()
        }
        rd_kafka_queue_destroy(pointer)
    }

    private final class Waker: Sendable {
        let onElement: @Sendable () -> Void

        init(_ onElement: @escaping @Sendable () -> Void) {
            self.onElement = onElement
        }
    }
}
