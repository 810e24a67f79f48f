public import XKafkaCore

/// The handlers of one topic, beside or instead of those for all topics.
public struct ConsumeTopicHandlers: Sendable {
    /// How they relate to those for all topics.
    public let mode: ChainMode

    /// The handlers, outermost first.
    public let handlers: [any ConsumeHandler]

    /// Handlers for one topic; `append` unless told otherwise.
    public init(_ handlers: [any ConsumeHandler], mode: ChainMode = .append) {
        self.mode = mode
        self.handlers = handlers
    }

    /// The handlers of a topic, given those for all topics.
    package func combined(with global: [any ConsumeHandler]) -> [any ConsumeHandler] {
        mode.combine(handlers, with: global)
    }
}
