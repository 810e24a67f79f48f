import Synchronization

/// Whether the elements of a ``WorkerPool`` are quick, so that it pays to work through them in runs.
public final class WorkPace: Sendable {
    /// Up to how long an element may take, on average, to be quick, unless told otherwise. What is saved on each is a
    /// fraction of this, and a shard's elements are worked on one at a time while they are quick.
    public static var quickLimit: Duration { .microseconds(10) }
    /// From how many elements on a row tells something.
    @inlinable static var tellingCount: Int { 8 }

    /// How many rows that were not quick, and none that was, are believed: the thread of one may have been kept waiting.
    private static var convincingCount: Int { 4 }

    private let permitsRuns: Bool
    private let quickLimit: Duration
    private let wasQuick: Atomic<Bool>
    private let slowRows = Atomic<Int>(0)

    /// - Parameters:
    ///   - permitsRuns: whether there are runs at all.
    ///   - isQuick: what is assumed until it was measured.
    ///   - quickLimit: how long an element may take, on average, to be quick.
    public init(permitsRuns: Bool = true, isQuick: Bool = false, quickLimit: Duration = WorkPace.quickLimit) {
        self.permitsRuns = permitsRuns
        self.quickLimit = quickLimit
        wasQuick = Atomic(permitsRuns && isQuick)
    }

    /// Whether elements were quick lately.
    public var isQuick: Bool { wasQuick.load(ordering: .relaxed) }

    /// An element has taken long.
    @usableFromInline func noteStall() { noteSlow() }

    /// Elements that a worker took one right after the other.
    @usableFromInline struct Row: Sendable {
        @usableFromInline var count = 0
        private var start: ContinuousClock.Instant?

        @usableFromInline init() {}

        @usableFromInline mutating func begin(isEmpty: Bool) {
            count = 0
            start = isEmpty ? nil : .now
        }

        fileprivate var pace: Duration? {
            guard let start, count >= WorkPace.tellingCount else { return nil }
            return start.duration(to: .now) / count
        }
    }

    /// Draws the conclusion from a row that has ended.
    @usableFromInline func note(_ row: Row) {
        guard permitsRuns, let pace = row.pace else { return }
        // Twice as long before what was quick is not: between the two it stays what it was.
        if pace <= quickLimit { noteQuick() } else if pace > quickLimit * 2 { noteSlow() }
    }

    // Written rarely, read with every bundle.

    private func noteQuick() {
        if slowRows.load(ordering: .relaxed) > 0 { slowRows.store(0, ordering: .relaxed) }
        if !isQuick { wasQuick.store(true, ordering: .relaxed) }
    }

    private func noteSlow() {
        guard isQuick, slowRows.add(1, ordering: .relaxed).newValue >= Self.convincingCount else { return }
        wasQuick.store(false, ordering: .relaxed)
    }
}
