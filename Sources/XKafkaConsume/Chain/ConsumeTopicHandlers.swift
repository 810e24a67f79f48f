/// The handlers of one topic, beside or instead of those for all topics.
public struct ConsumeTopicHandlers: Sendable {
    /// How the topic's handlers relate to those for all topics.
    public struct Mode: Sendable, Hashable, CustomStringConvertible {
        /// xkafka's word for it.
        public let description: String

        /// The handlers for all topics come first, then the topic's.
        public static let append = Mode(description: "append")
        /// Only the topic's. Logging and retries stay.
        public static let replace = Mode(description: "replace")
    }

    /// How they relate to those for all topics.
    public let mode: Mode

    /// The handlers, outermost first.
    public let handlers: [any ConsumeHandler]

    /// Handlers for one topic; ``Mode/append`` unless told otherwise.
    public init(_ handlers: [any ConsumeHandler], mode: Mode = .append) {
        self.mode = mode
        self.handlers = handlers
    }

    /// The handlers of a topic, given those for all topics.
    package func combined(with global: [any ConsumeHandler]) -> [any ConsumeHandler] {
        mode == .replace ? handlers : global + handlers
    }
}
