import Testing
import XKafkaCore
import XKafkaEngine

extension RebalanceMachine.Limits {
    /// Times that are easily told apart.
    static let testing = RebalanceMachine.Limits(
        drain: .seconds(30),
        cancellationGrace: .seconds(1),
        commit: .seconds(5)
    )
}

extension RebalanceMachine {
    /// A machine that was assigned these partitions.
    static func owning(
        _ partitions: [TopicPartition],
        notifiesRevoked: Bool = false,
        at time: Instant
    ) -> RebalanceMachine {
        var machine = RebalanceMachine(limits: .testing, notifiesRevoked: notifiesRevoked)
        _ = machine.assigned(partitions, at: time)
        return machine
    }
}

/// The token of the commit that is among these.
func commitToken(_ actions: [RebalanceMachine.Action]) throws -> RebalanceMachine.Token {
    let tokens = actions.compactMap { if case .commit(_, let token) = $0 { token } else { nil } }
    return try #require(tokens.first, "a commit among \(actions)")
}
