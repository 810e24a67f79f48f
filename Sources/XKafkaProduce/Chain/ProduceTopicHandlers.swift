public import XKafkaCore

/// The handlers of one topic, beside or instead of those for all topics.
public struct ProduceTopicHandlers: Sendable {
    /// How they relate to those for all topics.
    public let mode: ChainMode

    /// The handlers, outermost first.
    public let handlers: [any ProduceHandler]

    /// Handlers for one topic; `append` unless told otherwise.
    public init(_ handlers: [any ProduceHandler], mode: ChainMode = .append) {
        self.mode = mode
        self.handlers = handlers
    }

    /// The handlers of a topic, given those for all topics.
    package func combined(with global: [any ProduceHandler]) -> [any ProduceHandler] {
        mode.combine(handlers, with: global)
    }
}
