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
        guard let waiter = flush.wait(done) else { return true }
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
            flush.forget(waiter)
        }
        if try await finishes(by: deadline, { try await done.wait() }) { return true }
        try Task.checkCancellation()
        return false
    }

    /// Refuses further messages, waits for those under way until the limit has passed, gives up what is left
    /// then, and lets go of librdkafka. The first caller's limit counts; all return when that is done.
    func close(within limit: Duration) async {
        let refusal = ProducerError(.closed)
        let isFirst = life.withLock { life in
            defer { life.hasCloseBegun = true }
            return !life.hasCloseBegun
        }
        refuse(refusal)
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
                for outgoing in working { end(outgoing, .failure(ProducerError(.closed))) }
            }
        }
        let client = connection.withLock { connection -> ProducerClient? in
            defer { connection = .ended }
            return if case .open(let client) = connection { client } else { nil }
        }
        guard let client else { return }
        client.stop(purgingAt: .now)
        await client.waitUntilStopped()
    }

    private static var cancellationGrace: Duration { .seconds(1) }

    /// Gives up everything that is under way, for `reason`.
    func abort(_ reason: any Error) {
        let isFirst = life.withLock { life in
            defer { life.abortion = life.abortion ?? reason }
            return life.abortion == nil
        }
        guard isFirst else { return }
        var effects = LaneMachine.Effects()
        lanes.forEach { lane in
            lane.state.withLock { state in
                state.abortion = reason
                if state.refusal == nil { state.refusal = reason }
                state.machine.abort(&effects)
            }
        }
        if (reason as? ProducerError)?.code != .closed {
            refuse(reason)
            over.resolve(reason)
        }
        carryOut(effects)
        for outgoing in working { outgoing.work?.cancelTask() }
        openClient?.stop(purgingAt: .now)
    }

    /// Lets nobody in any more: those who wait for room get `reason`, and so does whoever comes.
    private func refuse(_ reason: any Error) {
        lanes.forEach { lane in
            // A closed producer stays one, whatever it meets afterwards.
            lane.state.withLock { if ($0.refusal as? ProducerError)?.code != .closed { $0.refusal = reason } }
            lane.gate.close(throwing: reason)
        }
        gate.close(throwing: reason)
    }

    /// The messages that have a task.
    private var working: [Outgoing] {
        var working: [Outgoing] = []
        lanes.forEach { lane in lane.state.withLock { working.append(contentsOf: $0.working.values) } }
        return working
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
