/// A kind of request of Kafka's protocol.
public struct RequestKind: RawRepresentable, Sendable, Hashable {
    /// Kafka's API key.
    public let rawValue: Int16

    /// The kind with this API key.
    public init(rawValue: Int16) {
        self.rawValue = rawValue
    }

    /// Sending messages.
    public static let produce = RequestKind(rawValue: 0)
    /// Reading messages.
    public static let fetch = RequestKind(rawValue: 1)
    /// Asking for the first, the last or a time's offset of a partition.
    public static let listOffsets = RequestKind(rawValue: 2)
    /// Asking for topics, partitions and leaders.
    public static let metadata = RequestKind(rawValue: 3)
    /// Committing offsets of a group.
    public static let offsetCommit = RequestKind(rawValue: 8)
    /// Reading committed offsets of a group.
    public static let offsetFetch = RequestKind(rawValue: 9)
    /// Asking for the coordinator of a group.
    public static let findCoordinator = RequestKind(rawValue: 10)
    /// Joining a group.
    public static let joinGroup = RequestKind(rawValue: 11)
    /// Telling the group that a member lives.
    public static let heartbeat = RequestKind(rawValue: 12)
    /// Leaving a group.
    public static let leaveGroup = RequestKind(rawValue: 13)
    /// Receiving an assignment in a group.
    public static let syncGroup = RequestKind(rawValue: 14)
    /// Receiving the id of an idempotent producer.
    public static let initProducerID = RequestKind(rawValue: 22)
}

extension RequestKind: CustomStringConvertible {
    /// Its name in Kafka's protocol, or its API key.
    public var description: String {
        switch self {
        case .produce: "Produce"
        case .fetch: "Fetch"
        case .listOffsets: "ListOffsets"
        case .metadata: "Metadata"
        case .offsetCommit: "OffsetCommit"
        case .offsetFetch: "OffsetFetch"
        case .findCoordinator: "FindCoordinator"
        case .joinGroup: "JoinGroup"
        case .heartbeat: "Heartbeat"
        case .leaveGroup: "LeaveGroup"
        case .syncGroup: "SyncGroup"
        case .initProducerID: "InitProducerId"
        default: "request \(rawValue)"
        }
    }
}
