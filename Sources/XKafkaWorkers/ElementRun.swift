public import Synchronization

/// Elements of one shard that are added together, in order.
public protocol ElementBundle: Sendable {
    associatedtype Element: Sendable

    /// How many elements there are.
    var count: Int { get }

    /// The element with this number, from 0.
    func element(_ number: Int) -> Element

    /// What names its key: a good hash.
    func key(_ number: Int) -> UInt64
}

/// A bundle that one worker works through, one element after the other.
///
/// Elements that are quick are done sooner than they are queued by key. The order of every key is kept because a shard
/// has one run at a time (R2). What the worker has not begun can be taken back from it at any time, and is then queued
/// by key, so that nobody waits for an element that turns out not to be quick (R4).
@usableFromInline final class ElementRun<Bundle: ElementBundle>: Sendable {
    @usableFromInline let bundle: Bundle
    @usableFromInline let count: Int
    /// How many elements the worker has begun, or tried to; much more once the rest was taken back.
    @usableFromInline let begun = Atomic<Int>(0)

    /// What is left to its worker once the rest was taken back. Written and read while the shard is locked.
    @usableFromInline nonisolated(unsafe) var remainder: Remainder?

    /// What a worker still has to do for a run of which the rest was taken back.
    @usableFromInline struct Remainder: Sendable {
        /// The elements whose ends the worker has to tell.
        @usableFromInline let numbers: Range<Int>
        /// Names the key of the last of them, which is queued by key since then; `nil` when all had ended before.
        @usableFromInline let ticket: KeyLines.Ticket?

        @inlinable init(numbers: Range<Int>, ticket: KeyLines.Ticket?) {
            self.numbers = numbers
            self.ticket = ticket
        }
    }

    @inlinable static var takenBack: Int { 1 << 62 }

    @inlinable init(_ bundle: Bundle) {
        self.bundle = bundle
        count = bundle.count
    }

    /// The next element, which is the worker's from now on; `nil` when there is none, or it was taken back.
    @inlinable func begin() -> Int? {
        let number = begun.add(1, ordering: .acquiringAndReleasing).oldValue
        return number < count ? number : nil
    }

    /// How many elements the worker has begun so far, if nothing was taken back; more than there are when all have ended.
    @inlinable var begunCount: Int { begun.load(ordering: .relaxed) }

    /// Lets the worker begin no further element. Answers how many it has begun; one more than there are when it has
    /// ended them all.
    @inlinable func takeBack() -> Int {
        min(begun.bitwiseOr(Self.takenBack, ordering: .acquiringAndReleasing).oldValue, count + 1)
    }
}
