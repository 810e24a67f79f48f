import XKafkaOffsets
import XKafkaTestingInternal

extension FuzzTarget {
    /// What a group's commits carry beside the offset. Any client may commit for a group.
    ///
    /// The offset in eight bytes, the lowest first, then the metadata.
    static let commitMetadata = FuzzTarget(name: "commit-metadata") { bytes in
        let frontier = bytes.prefix(8).reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) }
        let text = String(decoding: bytes.dropFirst(8), as: UTF8.self)
        guard let map = CompletionMap(metadata: text, frontier: frontier) else { return }
        try promise(map.frontier == frontier, "the frontier is that of the commit")
        // A bit for each range at least: nothing is as large as it says it is.
        try promise(map.ranges.count <= text.utf8.count * 8, "\(map.ranges.count) ranges of \(text.utf8.count) bytes")
        var end = frontier - 1
        for range in map.ranges {
            try promise(range.lowerBound > end && !range.isEmpty, "ranges are in order and do not touch")
            end = range.upperBound
        }
        try promise(map.count >= 0, "the number of offsets")
        for range in map.ranges.prefix(100) {
            try promise(map.contains(range.lowerBound) && map.contains(range.upperBound - 1), "\(range) is in it")
            try promise(!map.contains(range.upperBound), "\(range.upperBound) is not in it")
        }
        // The next owner commits what it was told.
        let (again, covered) = map.encoded(limit: 1 << 20)
        try promise(covered == map.count, "everything fits")
        if !map.isEmpty {
            try promise(CompletionMap(metadata: again, frontier: frontier) == map, "what is written is read: \(again)")
        }
        let (short, shortCovered) = map.encoded()
        try promise(short.utf8.count <= CompletionMap.defaultLimit, "the limit is kept")
        try promise(shortCovered <= map.count, "not more than there is")
        // Messages around what is done already are tracked as any others.
        var tracker = OffsetTracker(startingAt: frontier)
        for range in map.ranges.prefix(10) {
            guard let delivery = tracker.deliver(range.lowerBound) else { continue }
            _ = tracker.complete(delivery)
            _ = tracker.passOver(to: range.upperBound)
        }
        _ = tracker.completionMap?.encoded()
    } example: { random in
        let frontier = Int64.random(in: 0...(Bool.random(using: &random) ? 1_000 : .max / 2), using: &random)
        let map = CompletionMap(frontier: frontier, ranges: randomRanges(from: frontier, &random))
        return (0..<8).map { UInt8(truncatingIfNeeded: frontier >> ($0 * 8)) } + Array(map.encoded().text.utf8)
    }

    /// Ranges in order that do not touch: few long ones, or many short ones.
    static func randomRanges(from frontier: Int64, _ random: inout SeededGenerator) -> [Range<Int64>] {
        let longest: Int64 = [2, 10, 5_000, 1 << 40].randomElement(using: &random) ?? 2
        var position = frontier
        return (0..<Int.random(in: 0...40, using: &random)).map { _ in
            let start = position + Int64.random(in: 1...longest, using: &random)
            position = start + Int64.random(in: 1...longest, using: &random)
            return start..<position
        }
    }
}
