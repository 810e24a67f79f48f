/// One thing that happens to a producer's messages in a schedule. As in ``SimulationEvent``, `choice` is taken modulo the
/// possibilities there are.
package struct LaneEvent: Sendable, Hashable {
    package enum Kind: Int, Sendable, CaseIterable {
        // Callers.
        case submittedDirectly, submittedWithHandlers, callerAdmitted, callerCancelled, deadlinePassed
        // Handlers.
        case handedOver, sentNoted, handOverFailed, handlerFailed, handlerLeft, handlerEnded
        // librdkafka and the brokers.
        case brokerTook, brokerRefused, answerLost, reported
        // What follows a failure.
        case retried, gaveUp
        // The end.
        case close, abort, givenUp, forcedEnd

        /// How often it is tried, beside the others.
        var weight: Int {
            switch self {
            case .submittedDirectly, .submittedWithHandlers, .handedOver, .brokerTook: 12
            case .sentNoted, .reported: 16
            case .retried, .handlerEnded, .givenUp: 8
            case .brokerRefused: 4
            case .callerAdmitted, .answerLost, .handlerFailed, .gaveUp: 2
            case .callerCancelled, .deadlinePassed, .handOverFailed, .handlerLeft, .forcedEnd, .close, .abort: 1
            }
        }

        /// Each kind as often as its weight says.
        static let lottery: [Kind] = allCases.flatMap { Array(repeating: $0, count: $0.weight) }
    }

    package let kind: Kind
    package let choice: Int

    init(kind: Kind, choice: Int) {
        self.kind = kind
        self.choice = choice
    }

    init(using random: inout SeededGenerator) {
        let number = random.next()
        kind = Kind.lottery[Int(number & 0xffff) % Kind.lottery.count]
        choice = Int(number >> 32)
    }
}

package typealias LaneCounters = EventCounters<LaneEvent.Kind>

extension LaneEvent.Kind: CountedEvent {
    /// Where the producer stands.
    package enum State: Int, Sendable, CaseIterable {
        /// Nothing stands against sending.
        case flowing
        /// A lane has as many under way as it may.
        case full
        /// A message failed, and its followers wait.
        case failing
        /// Refuses further messages, and waits for those there are.
        case closing
        /// Has given up what there was.
        case aborted
    }

    package func canHappen(in state: State) -> Bool {
        switch (self, state) {
        // Nothing is taken any more, and nobody waits to be let in.
        case (.submittedDirectly, .closing), (.submittedDirectly, .aborted): false
        case (.submittedWithHandlers, .closing), (.submittedWithHandlers, .aborted): false
        case (.callerAdmitted, .closing), (.callerAdmitted, .aborted): false
        case (.callerCancelled, .closing), (.callerCancelled, .aborted): false
        // Nobody waits to be let in where there is room.
        case (.callerCancelled, .flowing): false
        case (.close, .closing), (.close, .aborted), (.abort, .aborted): false
        // Nothing is sent or tried again after everything was given up.
        case (.handedOver, .aborted), (.handOverFailed, .aborted), (.retried, .aborted), (.gaveUp, .aborted): false
        case (.brokerTook, .aborted), (.answerLost, .aborted), (.brokerRefused, .aborted): false
        case (.handlerFailed, .aborted), (.handlerLeft, .aborted), (.deadlinePassed, .aborted): false
        // What has failed makes it failing.
        case (.retried, .flowing), (.retried, .full), (.gaveUp, .flowing), (.gaveUp, .full): false
        // Only what was given up ends by force.
        case (.givenUp, _), (.forcedEnd, _): state == .aborted
        default: true
        }
    }
}
