/// One thing that happens in a schedule.
///
/// What exactly it does is found by `choice`, a number that is taken modulo the possibilities there
/// are, so that an event keeps a meaning when others before it are left out. An event that has no meaning
/// at its time does nothing.
package struct SimulationEvent: Sendable, Hashable {
    package enum Kind: Int, Sendable, CaseIterable {
        // The world.
        case append, advanceTime, rebalance, expireMember, logReset
        case commitApplied, commitFailed, commitAnswerLost
        // The group and the commits, as a member sees them.
        case groupReport, offsetsAnswered, offsetsFailed, commitSent, commitAnswered, drainNoted, userNotified
        // Messages.
        case fetch, repeatedFetch, timersFired
        case handlerStarted, handlerCompleted, handlerFailed, handlerFailedForGood, handlerTimedOut
        case handlerStopped, deadLetterAcknowledged, deadLetterFailed, workerReleased
        // A member as a whole.
        case stop, crash, restart
        // What belongs to something that is over.
        case staleAnswer, staleTimer, staleCompletion

        /// How often it is tried, beside the others.
        var weight: Int {
            switch self {
            case .fetch, .handlerStarted: 16
            case .workerReleased: 24
            case .handlerCompleted, .groupReport, .offsetsAnswered, .commitApplied, .commitAnswered: 12
            case .advanceTime, .drainNoted, .commitSent, .timersFired, .userNotified, .deadLetterAcknowledged: 8
            case .handlerFailed: 5
            case .append: 3
            case .handlerStopped, .deadLetterFailed: 4
            case .rebalance, .handlerFailedForGood, .handlerTimedOut, .commitFailed, .commitAnswerLost: 2
            case .repeatedFetch, .offsetsFailed, .staleAnswer, .staleTimer, .staleCompletion, .restart: 2
            case .expireMember, .stop, .crash, .logReset: 1
            }
        }

        /// Each kind as often as its weight says.
        static let lottery: [Kind] = allCases.flatMap { Array(repeating: $0, count: $0.weight) }
    }

    package let kind: Kind
    package let member: Int
    package let choice: Int

    init(kind: Kind, member: Int, choice: Int) {
        self.kind = kind
        self.member = member
        self.choice = choice
    }

    init(in setup: SimulationSetup, using random: inout SeededGenerator) {
        let number = random.next()
        kind = Kind.lottery[Int(number & 0xffff) % Kind.lottery.count]
        member = Int((number >> 16) & 0xff) % setup.memberCount
        choice = Int(number >> 32)
    }
}
