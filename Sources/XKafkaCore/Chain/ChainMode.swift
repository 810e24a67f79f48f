/// How the handlers of one topic relate to those for all topics.
public struct ChainMode: Sendable, Hashable, CustomStringConvertible {
    /// xkafka's word for it.
    public let description: String

    /// The handlers for all topics come first, then the topic's.
    public static let append = ChainMode(description: "append")
    /// Only the topic's. Logging and retries stay.
    public static let replace = ChainMode(description: "replace")

    /// The handlers of a topic, given those for all topics.
    package func combine<Handler>(_ topicHandlers: [Handler], with global: [Handler]) -> [Handler] {
        self == .replace ? topicHandlers : global + topicHandlers
    }
}
