import XKafka

extension Checkpoint {
    /// Whether the message at `offset` is done.
    func contains(_ offset: Int64) -> Bool {
        if offset < nextOffset { return true }
        // The ranges are in order: look for the first that ends behind the offset.
        var low = completed.startIndex
        var high = completed.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if completed[middle].upperBound > offset { high = middle } else { low = middle + 1 }
        }
        return low < completed.endIndex && completed[low].contains(offset)
    }

    /// The same, with more messages done. Their offsets were delivered, hence are less than the largest number.
    func adding(_ offsets: some Sequence<Int64>) -> Checkpoint {
        joined(at: nextOffset, completed + offsets.map { $0..<($0 + 1) })
    }

    /// What either of the two knows to be done.
    func merging(_ other: Checkpoint) -> Checkpoint {
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
