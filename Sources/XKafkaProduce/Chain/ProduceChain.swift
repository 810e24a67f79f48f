import Synchronization
public import XKafkaCore

/// Puts handlers in front of a function: the first is outermost, and the function innermost.
///
/// - Returns: a function that runs the whole chain. It throws ``ProduceChainError/nextCalledTwice`` into a
///   handler that calls `next` a second time for one message, unless it is a ``RepeatingProduceHandler``.
public func composeProduce(_ handlers: [any ProduceHandler], _ final: @escaping ProduceFunction) -> ProduceFunction {
    // No `reduce`: what goes through a generic function comes out wrapped, and each wrapping is one more asynchronous
    // call for each message.
    var rest = final
    for handler in handlers.reversed() { rest = link(handler, rest) }
    return rest
}

private func link(_ handler: any ProduceHandler, _ rest: @escaping ProduceFunction) -> ProduceFunction {
    if let handler = handler as? any RepeatingProduceHandler {
        return { message in try await handler.handle(message, next: rest) }
    }
    return { message in
        let rest = RestOfChain(rest)
        return try await handler.handle(message) { message in try await rest.run(message) }
    }
}

/// What comes after a handler, for one message. One object and not two: there is one for each handler that a message is at.
private final class RestOfChain: Sendable {
    private let function: ProduceFunction
    private let wasCalled = Atomic<Bool>(false)

    init(_ function: @escaping ProduceFunction) {
        self.function = function
    }

    func run(_ message: ProduceContext) async throws -> ProduceResult {
        guard !wasCalled.exchange(true, ordering: .relaxed) else { throw ProduceChainError.nextCalledTwice }
        return try await function(message)
    }
}

/// How a chain of handlers was misused. Trying again is of no use.
public enum ProduceChainError: PermanentError, Hashable, CustomStringConvertible {
    /// A handler called `next` more than once for one message.
    case nextCalledTwice
    /// A handler passed on a context that it made itself, instead of a copy of the one it was given.
    case foreignContext

    /// What happened, in words.
    public var description: String {
        switch self {
        case .nextCalledTwice: "a produce handler called next more than once for one message"
        case .foreignContext: "a produce handler passed on a context of its own instead of a copy of its message"
        }
    }
}
