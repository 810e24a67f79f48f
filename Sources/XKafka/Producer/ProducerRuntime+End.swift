import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

extension ProducerRuntime {
    /// Waits until everything that is under way has an outcome, at most until `deadline`; answers whether
    /// that is so. Throws `CancellationError`.
    func flush(until deadline: ContinuousClock.Instant) async throws -> Bool {
        let done = OneShot<Void>()
        let waiter = state.withLock { state -> UInt64? in
            guard let mark = state.flush.mark() else { return nil }
            state.nextFlushWaiter += 1
            state.flushWaiters[state.nextFlushWaiter] = (mark, done)
            return state.nextFlushWaiter
        }
        guard let waiter else { return true }
        let isOver = FlushEnd()
        if let client = openClient {
            // Blocks, and the thread that serves the reports goes on meanwhile: librdkafka's flush serves
            // none itself.
            DedicatedThread.start("xkafka.flush") {
                client.hurry(until: deadline) { isOver.isSet || done.current != nil }
            }
        }
        defer {
            isOver.set()
            state.withLock { $0.flushWaiters[waiter] = nil }
        }
        if try await finishes(by: deadline, { try await done.wait() }) { return true }
        try Task.checkCancellation()
        return false
    }

    /// Refuses further messages, waits for those under way until the limit has passed, gives up what is left
    /// then, and lets go of librdkafka. The first caller's limit counts; all return when that is done.
    func close(within limit: Duration) async {
        let refusal = ProducerError(.closed)
        let isFirst = state.withLock { state in
            defer { state.hasCloseBegun = true }
            state.refusal = refusal
            return !state.hasCloseBegun
        }
        for gate in laneGates + [gate] { gate.close(throwing: refusal) }
        if isFirst {
            let deadline = ContinuousClock.now + limit
            // A task of its own: closing goes on when its caller is cancelled.
            Task {
                await finishClosing(by: deadline)
                closed.resolve(())
                over.resolve(nil)
            }
        }
        await closed.waitIgnoringCancellation()
    }

    private func finishClosing(by deadline: ContinuousClock.Instant) async {
        let isDrained = (try? await flush(until: deadline)) ?? false
        if !isDrained {
            abort(ProducerError(.closed))
            // Handlers were cancelled: a moment for them to notice. What librdkafka had is reported as given up.
            let hasEnded = (try? await flush(until: .now + Self.cancellationGrace)) ?? false
            if !hasEnded {
                for outgoing in state.withLock({ Array($0.driven.values) }) {
                    end(outgoing, .failure(ProducerError(.closed)))
                }
            }
        }
        let client = connection.withLock { connection -> ProducerClient? in
            defer { connection = .ended }
            return if case .open(let client) = connection { client } else { nil }
        }
        unlinkRoutes()
        guard let client else { return }
        client.stop(purgingAt: .now)
        await client.waitUntilStopped()
    }

    private static var cancellationGrace: Duration { .seconds(1) }

    /// Gives up everything that is under way, for `reason`.
    func abort(_ reason: any Error) {
        var effects = LaneMachine.Effects()
        let driven: [Outgoing]? = state.withLock { state in
            guard state.abortion == nil else { return nil }
            state.abortion = reason
            if state.refusal == nil { state.refusal = reason }
            state.machine.abort(&effects)
            return Array(state.driven.values)
        }
        guard let driven else { return }
        if (reason as? ProducerError)?.code != .closed {
            for gate in laneGates + [gate] { gate.close(throwing: reason) }
            over.resolve(reason)
        }
        carryOut(effects)
        for outgoing in driven { outgoing.cancelDriver() }
        openClient?.stop(purgingAt: .now)
    }

    private var openClient: ProducerClient? {
        connection.withLock { if case .open(let client) = $0 { client } else { nil } }
    }
}

/// Tells a blocking thread that nobody waits for it any more.
private final class FlushEnd: Sendable {
    private let flag = Atomic<Bool>(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
