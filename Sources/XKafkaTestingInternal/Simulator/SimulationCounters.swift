/// How often each kind of event of consuming happened.
package typealias SimulationCounters = EventCounters<SimulationEvent.Kind>

extension SimulationEvent.Kind: CountedEvent {
    /// Where a member stands.
    package enum State: Int, Sendable, CaseIterable {
        case joining, reading, draining, cancelling, committing, notifying, leaving
    }

    package func canHappen(in state: State) -> Bool {
        switch (self, state) {
        // The committed offsets are not waited for as long as handlers are, nor when the member leaves.
        case (.offsetsAnswered, .cancelling), (.offsetsAnswered, .leaving): false
        case (.offsetsFailed, .cancelling), (.offsetsFailed, .leaving): false
        // What is drained is being given back.
        case (.drainNoted, .joining), (.drainNoted, .reading): false
        case (.userNotified, _): state == .notifying
        // Nothing is read without partitions, and by a member that leaves.
        case (.fetch, .joining), (.fetch, .leaving), (.repeatedFetch, .joining): false
        // Only a member that has ended, or crashed, comes back.
        case (.restart, _): state == .joining || state == .leaving
        case (.stop, .leaving): false
        // Handlers that outlive their partitions until the member leaves.
        case (.handlerStarted, .leaving), (.handlerCompleted, .leaving), (.handlerFailed, .leaving): false
        case (.handlerFailedForGood, .leaving), (.handlerTimedOut, .leaving), (.handlerStopped, .leaving): false
        case (.deadLetterAcknowledged, .leaving), (.deadLetterFailed, .leaving), (.timersFired, .leaving): false
        default: true
        }
    }
}
