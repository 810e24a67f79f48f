import Synchronization
import XKafkaCore

/// Frees a consumer's client once nobody needs it any more: the consumer has ended, and the last
/// message taken from it is freed.
///
/// librdkafka cannot free a client while messages of it are in use, and waits for them instead. Users
/// may keep messages for as long as they like.
final class ConsumerLifetime: Sendable {
    private struct State {
        var batches = 0
        var onDestroyed: (@Sendable () -> Void)?
        var isReleased = false
    }

    private let client: ClientHandle
    private let state = Mutex(State())

    init(_ client: ClientHandle) {
        self.client = client
    }

    func batchTaken() {
        state.withLock { $0.batches += 1 }
    }

    func batchFreed() {
        let isLast = state.withLock { state in
            state.batches -= 1
            return state.isReleased && state.batches == 0
        }
        if isLast { destroy() }
    }

    /// The consumer has ended. Answers whether the client is being freed now.
    func release(onDestroyed: @escaping @Sendable () -> Void) -> Bool {
        let isIdle = state.withLock { state in
            state.isReleased = true
            state.onDestroyed = onDestroyed
            return state.batches == 0
        }
        if isIdle { destroy() }
        return isIdle
    }

    private func destroy() {
        let client = client
        let onDestroyed = state.withLock { $0.onDestroyed }
        // librdkafka 2.0.2 can hang here for ever; on a thread of its own that harms nobody.
        DedicatedThread.start("xkafka.consumer.destroy") {
            client.destroy()
            onDestroyed?()
        }
    }
}
