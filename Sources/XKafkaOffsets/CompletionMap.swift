/// Which offsets beyond a committed one are done as well.
///
/// It travels in the metadata of the commit, one snapshot with the offset, so that the next owner of
/// the partition does not hand out finished messages again.
package struct CompletionMap: Sendable, Equatable {
    /// The committed offset: everything before it is done.
    package let frontier: Int64

    /// The offsets at or beyond the frontier that are done, as ranges in order that do not touch.
    package private(set) var ranges: [Range<Int64>]

    /// A map of ranges that are in order, do not touch, and do not start before the frontier; any
    /// that break this rule, and all behind them, are left out.
    package init(frontier: Int64, ranges: some Sequence<Range<Int64>>) {
        self.frontier = frontier
        self.ranges = []
        var end = frontier - 1
        for range in ranges {
            guard range.lowerBound > end, !range.isEmpty else { break }
            self.ranges.append(range)
            end = range.upperBound
        }
    }

    /// Whether nothing beyond the frontier is done.
    package var isEmpty: Bool { ranges.isEmpty }

    /// How many offsets the ranges cover.
    package var count: Int64 { ranges.reduce(0) { $0 + Int64($1.count) } }

    /// Whether the message at `offset` is done.
    package func contains(_ offset: Int64) -> Bool {
        // The last range that starts at or before the offset.
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].lowerBound <= offset { low = middle + 1 } else { high = middle }
        }
        return low > 0 && ranges[low - 1].contains(offset)
    }
}
