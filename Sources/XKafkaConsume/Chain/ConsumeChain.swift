import Synchronization
import XKafkaCore

/// Puts handlers in front of a function: the first is outermost, and the function innermost.
///
/// - Returns: a function that runs the whole chain. It throws ``ConsumeChainError/nextCalledTwice`` into
///   a handler that calls `next` a second time for one message, unless it is a ``RepeatingConsumeHandler``.
public func composeConsume(_ handlers: [any ConsumeHandler], _ final: @escaping ConsumeFunction) -> ConsumeFunction {
    // No `reduce`: what goes through a generic function comes out wrapped, and each wrapping is one more asynchronous
    // call for each message.
    var rest = final
    for handler in handlers.reversed() { rest = link(handler, rest) }
    return rest
}

private func link(_ handler: any ConsumeHandler, _ rest: @escaping ConsumeFunction) -> ConsumeFunction {
    if let handler = handler as? any RepeatingConsumeHandler {
        return { message in try await handler.handle(message, next: rest) }
    }
    return { message in
        let rest = RestOfChain(rest)
        try await handler.handle(message) { message in try await rest.run(message) }
    }
}

/// What comes after a handler, for one message. One object and not two: there is one for each handler that a message is at.
private final class RestOfChain: Sendable {
    private let function: ConsumeFunction
    private let wasCalled = Atomic<Bool>(false)

    init(_ function: @escaping ConsumeFunction) {
        self.function = function
    }

    func run(_ message: ConsumeContext) async throws {
        guard !wasCalled.exchange(true, ordering: .relaxed) else { throw ConsumeChainError.nextCalledTwice }
        try await function(message)
    }
}

/// How a chain of handlers was misused.
public enum ConsumeChainError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A handler called `next` more than once for one message.
    case nextCalledTwice

    /// What happened, in words.
    public var description: String { "a consume handler called next more than once for one message" }
}
