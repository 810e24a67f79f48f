/// A message's place in the order of a producer.
package struct LaneTicket: Sendable, Hashable {
    /// The lane, from 0.
    package let lane: Int
    /// What the message keeps its order with; `nil` when with nothing.
    package let domain: UInt64?
    /// Counts the messages of the producer: the place in the order of calls.
    package let sequence: UInt64
    /// Where the machine found its domain, and will most often find it again.
    package let slot: UInt32

    package init(lane: Int, domain: UInt64?, sequence: UInt64, slot: UInt32 = 0) {
        self.lane = lane
        self.domain = domain
        self.sequence = sequence
        self.slot = slot
    }

    /// That of a message that was not handed in yet.
    package static let none = LaneTicket(lane: 0, domain: nil, sequence: 0)
}
