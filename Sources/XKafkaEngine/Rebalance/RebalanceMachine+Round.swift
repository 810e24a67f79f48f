package import XKafkaCore

extension RebalanceMachine {
    /// Names one round of giving partitions back, so that what belongs to an earlier round is
    /// recognised and ignored (R8).
    package struct Token: Sendable, Hashable {
        let number: UInt64
        /// When the round began: at the revocation, or at the request to stop.
        package let startTime: Instant
    }

    package enum Action: Sendable, Equatable {
        /// Start reading these partitions; `feeding` is false when the consumer is stopping.
        case assign([TopicPartition], feeding: Bool)
        /// Take nothing more from these partitions and start no handler for them.
        case stopFeeding([TopicPartition])
        /// Cancel the handlers that still run for these partitions.
        case cancelHandlers([TopicPartition])
        /// Commit the frontiers of these partitions a last time and report back with the token.
        ///
        /// Comes once more, with fewer partitions, when some of them are lost meanwhile, and takes the
        /// place of the first then. The commit has had its time at the next ``notifyRevoked(_:_:)``, at
        /// a ``giveBack(_:lost:)`` of partitions that are not lost, and at ``leave``.
        case commit([TopicPartition], Token)
        /// Tell the user that these partitions are revoked, before they are given back, and report back
        /// with the token. Whether the user answers in time or not, they are given back then.
        ///
        /// Comes only from a machine that was made with `notifiesRevoked`, and never for partitions that
        /// are lost.
        case notifyRevoked([TopicPartition], Token)
        /// Forget these partitions and tell the group so.
        case giveBack([TopicPartition], lost: Bool)
        /// Everything is drained and committed: leave the group.
        case leave
    }

    enum Stage: Int, Comparable {
        case draining, cancelling
        /// Waits for its turn to commit.
        case drained
        case committing, notifying

        static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    /// Partitions that are given back together.
    struct Round: Sendable {
        let token: Token
        let isShutdown: Bool
        /// When the handlers are cancelled.
        let drainDeadline: Instant
        var partitions: [TopicPartition]
        /// Those of which messages are in hand, as far as is known.
        var undrained: Set<TopicPartition>
        var stage = Stage.draining
        /// When the stage ends by itself; `nil` while it waits for its turn.
        var deadline: Instant?

        init(token: Token, partitions: [TopicPartition], isShutdown: Bool, drainDeadline: Instant) {
            self.token = token
            self.isShutdown = isShutdown
            self.drainDeadline = drainDeadline
            self.partitions = partitions
            undrained = Set(partitions)
            deadline = drainDeadline
        }

        /// Ends draining when nothing is in hand any more.
        mutating func noteDrained() {
            if undrained.isEmpty && stage < .drained { endDraining() }
        }

        /// Ends draining whatever is still in hand.
        mutating func endDraining() {
            stage = .drained
            deadline = nil
        }
    }
}
