import XKafkaOffsets

/// How far a partition has come: the offset before which everything is done, and what is done beyond it.
///
/// Messages with different keys finish in any order, so behind an unfinished one others may be done
/// already. A store that keeps the whole checkpoint, not the offset alone, spares their repetition.
public struct Checkpoint: Sendable, Hashable {
    /// The next offset: every message before it is done.
    public let nextOffset: Int64

    /// What is done at or beyond ``nextOffset``: ranges of offsets, in order, that do not touch.
    public let completed: [Range<Int64>]

    /// A checkpoint. Ranges that are out of order, touch, or begin before `nextOffset` are left out, with
    /// all behind them: what is not known to be done is done again.
    public init(nextOffset: Int64, completed: [Range<Int64>] = []) {
        self.nextOffset = nextOffset
        // There is no negative offset, but whoever reads a store may meet one.
        self.completed = nextOffset < 0 ? [] : CompletionMap(frontier: nextOffset, ranges: completed).ranges
    }

    /// The completions as a short text, for stores that keep texts; empty when there are none. Read it back
    /// with ``init(nextOffset:completedText:)``.
    public var completedText: String { completed.isEmpty ? "" : map.encoded(limit: Self.textLimit).text }

    /// Far more than any number of completions that a consumer keeps track of needs.
    private static let textLimit = 1 << 30

    /// A checkpoint whose completions are given as ``completedText``; `nil` when the text is damaged.
    public init?(nextOffset: Int64, completedText: String) {
        guard nextOffset >= 0 else { return nil }
        guard !completedText.isEmpty else {
            self.init(nextOffset: nextOffset)
            return
        }
        guard let map = CompletionMap(metadata: completedText, frontier: nextOffset) else { return nil }
        self.init(map)
    }

    init(_ map: CompletionMap) {
        nextOffset = map.frontier
        completed = map.ranges
    }

    var map: CompletionMap { CompletionMap(frontier: nextOffset, ranges: completed) }
}
