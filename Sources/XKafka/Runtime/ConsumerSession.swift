import ServiceLifecycle
import Synchronization
import XKafkaCore
import XKafkaTransport

/// The life of a consumer: one `consume` at a time, and none after `close`.
///
///     idle -> consuming -> idle        (consume returned)
///     idle, consuming -> closed        (for good)
final class ConsumerSession: Sendable {
    private struct State {
        var runtime: ConsumeRuntime?
        var isClosed = false
        /// A save of an earlier `consume` that had not been answered when that ended. No other may begin
        /// before, or the older one could have the last word.
        var unfinishedSave: Task<Void, Never>?
        var sweepFinds = 0
    }

    /// Whether messages are taken; outlives the single `consume`.
    let intake = IntakeSwitch()

    private let state = Mutex(State())

    /// How many times the sweep found a message that nothing had announced, since the consumer was made.
    var sweepFinds: Int {
        state.withLock { $0.sweepFinds + ($0.runtime?.sweepFinds.load(ordering: .relaxed) ?? 0) }
    }

    /// The `consume` call that is under way.
    var current: ConsumeRuntime? { state.withLock { $0.runtime } }

    /// How the `consume` call is doing.
    var health: ConsumerHealth { current?.health ?? .stalled([.notConsuming]) }

    /// What is asked for when consuming starts: it may have to wait for an offset store.
    typealias Preparation = @Sendable () async throws -> (ClientProperties, ConsumerRole)

    /// Consumes until the task is cancelled, the service it belongs to is shut down, the session is closed, or
    /// something ends it.
    func consume(
        _ plan: ConsumePlan,
        prepare: @escaping Preparation
    ) async throws -> DrainReport {
        let runtime = ConsumeRuntime(plan, intake: intake)
        try begin(runtime)
        defer {
            (plan.deadLetters as? DeadLetterProducer)?.close()
            state.withLock { state in
                state.runtime = nil
                state.sweepFinds += runtime.sweepFinds.load(ordering: .relaxed)
                state.unfinishedSave = runtime.unfinishedSave ?? state.unfinishedSave
            }
        }
        return try await withTaskCancellationOrGracefulShutdownHandler {
            // A task of its own: a store that does not answer must not keep this one from ending.
            let preparation = Task { await start(runtime, prepare) }
            defer { preparation.cancel() }
            return try await runtime.ended.waitIgnoringCancellation().get()
        } onCancelOrGracefulShutdown: {
            runtime.requestStop()
        }
    }

    private func start(_ runtime: ConsumeRuntime, _ prepare: Preparation) async {
        await state.withLock { $0.unfinishedSave }?.value
        do {
            let (properties, role) = try await prepare()
            guard runtime.begin() else { return }
            ConsumerLoop.start(runtime, try ConsumerClient(properties, waking: runtime.signal), role)
        } catch {
            runtime.ended.resolve(.failure(error))
        }
    }

    /// Ends a running `consume` and waits until it has; called from one of its own handlers, it only
    /// asks for the end.
    func close() async {
        let runtime = state.withLock { state in
            state.isClosed = true
            return state.runtime
        }
        guard let runtime else { return }
        runtime.requestStop()
        if ConsumeRuntime.current !== runtime {
            _ = await runtime.ended.waitIgnoringCancellation()
        }
    }

    private func begin(_ runtime: ConsumeRuntime) throws {
        try state.withLock { state in
            if state.isClosed { throw ConsumerError(.closed) }
            if state.runtime != nil { throw ConsumerError(.alreadyConsuming) }
            state.runtime = runtime
        }
    }
}
