import Logging
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
    }

    private let state = Mutex(State())

    /// What is asked for when consuming starts: it may have to wait for an offset store.
    typealias Preparation = @Sendable () async throws -> (ClientProperties, ConsumerRole)

    /// Consumes until the task is cancelled, the session is closed, or something ends it.
    func consume(
        _ processing: ProcessingConfig,
        logger: Logger,
        handler: @escaping ConsumeRuntime.Handler,
        prepare: Preparation
    ) async throws -> DrainReport {
        let runtime = ConsumeRuntime(processing: processing, logger: logger, handler: handler)
        try begin(runtime)
        defer { state.withLock { $0.runtime = nil } }
        return try await withTaskCancellationHandler {
            do {
                let (properties, role) = try await prepare()
                let client = try ConsumerClient(properties, waking: runtime.signal)
                ConsumerLoop.start(runtime, client, role)
            } catch {
                runtime.ended.resolve(.failure(error))
            }
            return try await runtime.ended.waitIgnoringCancellation().get()
        } onCancel: {
            runtime.requestStop()
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
