/// Who has to have a message before it counts as sent (Kafka's `acks`).
public struct Acknowledgements: Sendable, Hashable, CustomStringConvertible {
    /// Kafka's word for it.
    public let description: String

    /// All in-sync replicas: what they acknowledged survives the loss of all but one of them.
    public static let all = Acknowledgements(description: "all")
    /// The leader alone: what it acknowledged is lost with it.
    public static let leader = Acknowledgements(description: "1")
    /// Nobody: results come without an offset, and are
    /// ``/XKafkaProduce/ProduceResult/Persistence/possiblyPersisted``.
    public static let none = Acknowledgements(description: "0")
}
