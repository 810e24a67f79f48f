/// A message's place in the order of a producer.
package struct LaneTicket: Sendable, Hashable {
    /// The lane, from 0.
    package let lane: Int
    /// What the message keeps its order with; `nil` when with nothing.
    package let domain: UInt64?
    /// Counts the messages of the producer: the place in the order of calls.
    package let sequence: UInt64

    package init(lane: Int, domain: UInt64?, sequence: UInt64) {
        self.lane = lane
        self.domain = domain
        self.sequence = sequence
    }

    /// That of a message that was not handed in yet.
    package static let none = LaneTicket(lane: 0, domain: nil, sequence: 0)
}
