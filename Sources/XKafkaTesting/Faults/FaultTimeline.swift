/// Faults in the order of their times, counted from when the timeline is played.
///
/// ```swift
/// try await broker.play([
///     .at(.seconds(1), .brokerDown(2)),
///     .at(.seconds(3), .brokerUp(2)),
/// ])
/// ```
public struct FaultTimeline: Sendable, Hashable, ExpressibleByArrayLiteral {
    /// A fault and its time.
    public struct Entry: Sendable, Hashable {
        /// How long after the start.
        public let time: Duration
        /// What happens then.
        public let fault: Fault

        /// `fault` happens `time` after the start.
        public static func at(_ time: Duration, _ fault: Fault) -> Entry {
            Entry(time: time, fault: fault)
        }
    }

    /// The entries, earliest first; entries of one time in the order they were given.
    public let entries: [Entry]

    /// A timeline of these entries, in any order.
    public init(_ entries: [Entry]) {
        self.entries = entries.enumerated()
            .sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)
    }

    /// A timeline of these entries, in any order.
    public init(arrayLiteral elements: Entry...) {
        self.init(elements)
    }
}
