public import Logging

/// Leaves a log line for each message when the rest of the chain has ended.
///
/// Consumers do that by themselves, around all attempts. This handler is for chains composed by hand; put
/// it first. A message that fails leaves an error, one whose task was cancelled a debug line.
public struct ConsumeLogger: ConsumeHandler {
    private let log: ConsumeLog

    /// A handler that logs to `logger`.
    ///
    /// - Parameters:
    ///   - logger: where the lines go. Default: a logger with the label `xkafka`.
    ///   - successLevel: the level of the line for a message that was handled. Default `debug`.
    public init(_ logger: Logger = Logger(label: "xkafka"), successLevel: Logger.Level = .debug) {
        log = ConsumeLog(logger, successLevel: successLevel)
    }

    /// Calls `next`, logs how that ended, and throws what it throws.
    public func handle(_ message: ConsumeContext, next: ConsumeFunction) async throws {
        let start = ContinuousClock.now
        let note = HandlingNote()
        do {
            try await HandlingNote.$current.withValue(note) { try await next(message) }
            let result = note.deadLetterCause.map { ConsumeLog.Result.deadLettered($0) } ?? .success
            log.ended(message.atAttempt(note.attempt), result, since: start)
        } catch {
            let result: ConsumeLog.Result = Task.isCancelled ? .cancelled : .failed(error)
            log.ended(message.atAttempt(note.attempt), result, since: start)
            throw error
        }
    }
}

extension ConsumeContext {
    fileprivate func atAttempt(_ attempt: Int?) -> ConsumeContext {
        var message = self
        message.attempt = attempt ?? message.attempt
        return message
    }
}
