public import XKafkaCore

/// What keeps a partition's frontier, the next offset to commit, from going on: ``GroupConsumer/why(_:_:)`` and
/// ``PartitionConsumer/why(_:_:)`` tell.
public struct FrontierHold: Sendable {
    /// What is waited for.
    public enum Cause: Sendable {
        /// Nothing is held: everything that was taken is done and committed, and the next message is waited for.
        case nothing
        /// Its handler, which runs.
        ///
        /// The time is when the handler was first seen to run. It began up to two seconds earlier if the frontier
        /// stood still then; whoever asks oftener than once a second sees it sooner.
        case handler(seenSince: ContinuousClock.Instant)
        /// A free handler: all of ``ProcessingConfig/maxConcurrentHandlers`` are busy.
        case freeHandler
        /// Its turn: an earlier message of its key, at this position, is not done. With a key extractor that failed
        /// before, or a handler of an earlier assignment that still runs, that may be so.
        case turn(behind: TopicPartitionOffset)
        /// The pause before its next attempt.
        case retry(at: ContinuousClock.Instant)
        /// The publication of its dead letter, which is under way.
        case deadLetter(attempt: Int)
        /// The pause before the publication of its dead letter is tried again.
        case deadLetterRetry(at: ContinuousClock.Instant, attempt: Int)
        /// The key extractor.
        case keyExtraction
        /// The end of its handler, or the next step after it: in a moment it is another cause.
        case nextStep
        /// The answer to a commit, or to a save to the offset store, that was sent then. Everything that was taken is
        /// done.
        case commitAnswer(since: ContinuousClock.Instant)
        /// The next commit: the last one failed with this error. Everything that was taken is done.
        case commitRetry(any Error)
        /// The next commit, which is due by ``ProcessingConfig/commitInterval``. Everything that was taken is done.
        case nextCommit
        /// `onAssigned`, which has not returned: no message was taken yet.
        case onAssigned
        /// The group's answer on what was committed, after which reading starts.
        case committedOffsets
        /// The rebalance, or the end of `consume`: the partition is being given back, and the message was handed back
        /// unworked, or its handler was cancelled. Whoever reads the partition next handles it.
        case givingBack
        /// ``GroupConsumer/resume()``: intake is paused. Everything that was taken is done and committed.
        case paused
        /// Room: other partitions' messages fill the memory that is allowed. Everything that was taken is done and
        /// committed.
        case room
        /// The partition: it is not assigned to this consumer.
        case notAssigned
        /// `consume`, which is not running.
        case notConsuming
    }

    /// The partition that was asked about.
    public let topicPartition: TopicPartition

    /// The next offset to commit. `nil` until that is known.
    public internal(set) var frontier: Int64?

    /// What is known to be committed, or saved. `nil` until something is.
    public internal(set) var committed: Int64?

    /// The offset of the message that holds the frontier. `nil` when no message does.
    public internal(set) var offset: Int64?

    /// Its logical key. Not in the description, nor is anything else of the message.
    public internal(set) var key: MessageBytes?

    /// Which attempt is under way, or comes next, counted from 1.
    public internal(set) var attempt: Int?

    /// What it failed with last: its handler, its key extractor, or its dead letter.
    public internal(set) var lastError: (any Error)?

    /// Whether the partition is being given back.
    public internal(set) var isBeingGivenBack = false

    /// What is waited for.
    public internal(set) var cause: Cause

    init(_ topicPartition: TopicPartition, _ cause: Cause) {
        self.topicPartition = topicPartition
        self.cause = cause
    }
}

extension FrontierHold: CustomStringConvertible {
    /// What is waited for, in words; no key.
    public var description: String {
        let place = offset.map { "\(TopicPartitionOffset(topicPartition, offset: $0))" } ?? "\(topicPartition)"
        let attempts = attempt.map { ", attempt \($0)" } ?? ""
        let error = lastError.map { ", last error: \($0)" } ?? ""
        return "\(place) \(cause)\(attempts)\(error)"
    }
}

extension FrontierHold.Cause: CustomStringConvertible {
    /// In words that follow a place.
    public var description: String {
        switch self {
        case .nothing: "is held by nothing: it waits for messages"
        case .handler(let since): "waits for its handler, seen running for \(since.duration(to: .now))"
        case .freeHandler: "waits for a free handler"
        case .turn(let position): "waits for its turn behind \(position)"
        case .retry(let time): "is tried again in \(max(.zero, ContinuousClock.now.duration(to: time)))"
        case .deadLetter(let attempt): "waits for its dead letter's publication, try \(attempt)"
        case .deadLetterRetry(let time, let attempt):
            "publishes its dead letter again in \(max(.zero, ContinuousClock.now.duration(to: time))), try \(attempt)"
        case .keyExtraction: "waits for the key extractor"
        case .nextStep: "is between two steps"
        case .commitAnswer(let since): "waits for the answer to a commit for \(since.duration(to: .now))"
        case .commitRetry(let error): "waits for the next commit after one that failed: \(error)"
        case .nextCommit: "waits for the next commit"
        case .onAssigned: "waits for onAssigned to return"
        case .committedOffsets: "waits for the committed offsets"
        case .givingBack: "is being given back"
        case .paused: "waits for resume()"
        case .room: "waits for memory that other partitions' messages use"
        case .notAssigned: "is not assigned to this consumer"
        case .notConsuming: "is not read: consume is not running"
        }
    }
}
