/// How often each kind of event did something, by the state of the member it happened to.
package struct SimulationCounters: Sendable {
    /// Where a member stands.
    package enum State: Int, Sendable, CaseIterable {
        case joining, reading, draining, cancelling, committing, notifying, leaving
    }

    private var counts = Array(
        repeating: 0,
        count: SimulationEvent.Kind.allCases.count * State.allCases.count
    )

    package init() {}

    private func index(_ kind: SimulationEvent.Kind, _ state: State) -> Int {
        kind.rawValue * State.allCases.count + state.rawValue
    }

    mutating func add(_ kind: SimulationEvent.Kind, in state: State) {
        counts[index(kind, state)] += 1
    }

    package mutating func add(_ others: SimulationCounters) {
        for index in counts.indices { counts[index] += others.counts[index] }
    }

    package func count(_ kind: SimulationEvent.Kind, in state: State) -> Int { counts[index(kind, state)] }

    package var total: Int { counts.reduce(0, +) }

    /// Every event in every state that it can happen in, but did not.
    package var missing: [String] {
        SimulationEvent.Kind.allCases.flatMap { kind in
            State.allCases.filter { count(kind, in: $0) == 0 && kind.canHappen(in: $0) }.map { "\(kind) while \($0)" }
        }
    }

    /// A table with a line for each kind.
    package var table: String {
        let width = 13
        func cell(_ text: String) -> String {
            String(repeating: " ", count: max(1, width - text.count)) + text
        }
        let name = 24
        func line(_ title: String, _ cells: [String]) -> String {
            title + String(repeating: " ", count: max(0, name - title.count)) + cells.map(cell).joined()
        }
        let header = line("", State.allCases.map { "\($0)" })
        let lines = SimulationEvent.Kind.allCases.map { kind in
            line("\(kind)", State.allCases.map { kind.canHappen(in: $0) ? "\(count(kind, in: $0))" : "-" })
        }
        return ([header] + lines).joined(separator: "\n")
    }
}

extension SimulationEvent.Kind {
    /// What cannot be, or only by so rare a chance that its absence says nothing.
    func canHappen(in state: SimulationCounters.State) -> Bool {
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
