import DequeModule

/// Tells when everything that was under way at a certain moment has ended, however much comes later.
package struct FlushCounter: Sendable {
    /// How many are under way, by the span of time in which they came. Never empty.
    private var counts: Deque<Int> = [0]
    /// The number of the oldest span.
    private var oldest: UInt64 = 0

    package init() {}

    private var newest: UInt64 { oldest + UInt64(counts.count) - 1 }

    /// Something begins, or several things. Answers the number to end them with: the lower half of its span's, which is
    /// enough to find the span among those there are, and small enough to be kept for each message.
    package mutating func begin(_ count: Int = 1) -> UInt32 {
        counts[counts.count - 1] += count
        return UInt32(truncatingIfNeeded: newest)
    }

    /// Something that began in `span` ends, or several things. Answers whether a mark may have been reached.
    package mutating func end(_ number: UInt32, _ count: Int = 1) -> Bool {
        let span = newest &- UInt64(UInt32(truncatingIfNeeded: newest) &- number)
        guard span >= oldest, span <= newest else { return false }
        counts[Int(span - oldest)] -= count
        return advance()
    }

    /// Marks this moment; `nil` when nothing is under way.
    package mutating func mark() -> UInt64? {
        if counts.count == 1, counts[0] == 0 { return nil }
        if counts[counts.count - 1] > 0 { counts.append(0) }
        return newest - 1
    }

    /// Whether everything has ended that was under way at a mark.
    package func isReached(_ mark: UInt64) -> Bool { oldest > mark }

    private mutating func advance() -> Bool {
        let before = oldest
        while counts.count > 1, counts[0] == 0 {
            counts.removeFirst()
            oldest += 1
        }
        return oldest > before
    }
}
