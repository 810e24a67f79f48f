import XKafka

extension Checkpoint {
    /// Whether the message at `offset` is done.
    func contains(_ offset: Int64) -> Bool {
        offset < nextOffset || completed.contains { $0.contains(offset) }
    }

    /// The same, with one more message done. Its offset was delivered, hence is less than the largest number.
    func adding(_ offset: Int64) -> Checkpoint {
        joined(at: nextOffset, completed + [offset..<(offset + 1)])
    }

    /// The same, with everything done before the other's offset, and what the other knows to be done beyond.
    func advanced(to other: Checkpoint) -> Checkpoint {
        joined(at: max(nextOffset, other.nextOffset), completed + other.completed)
    }

    private func joined(at next: Int64, _ ranges: [Range<Int64>]) -> Checkpoint {
        var next = next
        var merged: [Range<Int64>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where range.upperBound > next {
            if range.lowerBound <= next {
                next = range.upperBound
            } else if let last = merged.last, range.lowerBound <= last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return Checkpoint(nextOffset: next, completed: merged)
    }
}
