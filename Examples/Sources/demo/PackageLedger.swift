import Synchronization

/// Folds each package's events into its last state, and watches what the consumer promises: that the
/// events of a package come in order and one at a time, and those of others at the same time.
final class PackageLedger: Sendable {
    struct Summary: Sendable {
        var states: [String: PackageState] = [:]
        var handled = 0
        var peakInFlight = 0
        var orderViolations = 0
        var firstTime: ContinuousClock.Instant?
        var lastTime: ContinuousClock.Instant?
    }

    private struct State {
        var summary = Summary()
        var lastNumbers: [String: Int] = [:]
        var busy: Set<String> = []
        var inFlight = 0
    }

    private let state = Mutex(State())

    var summary: Summary { state.withLock { $0.summary } }
    var inFlight: Int { state.withLock { $0.inFlight } }

    /// A handler has started with an event.
    func begin(_ event: PackageEvent) {
        state.withLock { state in
            state.inFlight += 1
            state.summary.peakInFlight = max(state.summary.peakInFlight, state.inFlight)
            if state.summary.firstTime == nil { state.summary.firstTime = .now }
            let isAlone = state.busy.insert(event.package).inserted
            let isNext = event.number > state.lastNumbers[event.package] ?? 0
            if !isAlone || !isNext { state.summary.orderViolations += 1 }
            state.lastNumbers[event.package] = event.number
        }
    }

    /// The handler has ended, and the event counts.
    func end(_ event: PackageEvent) {
        state.withLock { state in
            state.inFlight -= 1
            state.busy.remove(event.package)
            state.summary.handled += 1
            state.summary.lastTime = .now
            if let package = event.state { state.summary.states[event.package] = package }
        }
    }
}
