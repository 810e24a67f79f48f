public import Logging
import Synchronization
import XKafkaCore

/// Leaves a log line for each message when the rest of the chain has ended.
///
/// Producers do that by themselves, around all attempts. This handler is for chains composed by hand; put it
/// first.
public struct ProduceLogger: ProduceHandler {
    private let log: ProduceLog

    /// A handler that logs to `logger`.
    ///
    /// - Parameters:
    ///   - logger: where the lines go. Default: a logger with the label `xkafka`.
    ///   - successLevel: the level of the line for a message that was acknowledged. Default `debug`.
    public init(_ logger: Logger = Logger(label: "xkafka"), successLevel: Logger.Level = .debug) {
        log = ProduceLog(logger, successLevel: successLevel)
    }

    /// Calls `next`, logs how that ended, and throws what it throws.
    public func handle(_ message: ProduceContext, next: ProduceFunction) async throws -> ProduceResult {
        let note = AttemptNote(message.attempt)
        var message = message
        do {
            let result = try await AttemptNote.$current.withValue(note) { try await next(message) }
            message.attempt = result.attempt
            log.succeeded(message, result)
            return result
        } catch {
            message.attempt = note.attempt
            log.failed(message, error)
            throw error
        }
    }
}

/// Tells the logger of a chain how often its inner part tried a message, which an error does not say.
final class AttemptNote: Sendable {
    @TaskLocal static var current: AttemptNote?

    private let last: Atomic<Int>

    init(_ attempt: Int) {
        last = Atomic(attempt)
    }

    var attempt: Int { last.load(ordering: .relaxed) }

    func began(attempt: Int) {
        last.store(attempt, ordering: .relaxed)
    }
}
