/// A kind of event of a simulation, which is counted by the state in which it happens.
package protocol CountedEvent: RawRepresentable<Int>, CaseIterable, Sendable {
    associatedtype State: RawRepresentable<Int>, CaseIterable, Sendable

    /// Whether it can, and not only by so rare a chance that its absence says nothing.
    func canHappen(in state: State) -> Bool
}

/// How often each kind of event did something, by the state in which it did.
package struct EventCounters<Kind: CountedEvent>: Sendable {
    package typealias State = Kind.State

    private var counts = Array(repeating: 0, count: Kind.allCases.count * State.allCases.count)

    package init() {}

    private func index(_ kind: Kind, _ state: State) -> Int {
        kind.rawValue * State.allCases.count + state.rawValue
    }

    mutating func add(_ kind: Kind, in state: State) {
        counts[index(kind, state)] += 1
    }

    package mutating func add(_ others: Self) {
        for index in counts.indices { counts[index] += others.counts[index] }
    }

    package func count(_ kind: Kind, in state: State) -> Int { counts[index(kind, state)] }

    package var total: Int { counts.reduce(0, +) }

    /// Every event in every state that it can happen in, but did not.
    package var missing: [String] {
        Kind.allCases.flatMap { kind in
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
        let lines = Kind.allCases.map { kind in
            line("\(kind)", State.allCases.map { kind.canHappen(in: $0) ? "\(count(kind, in: $0))" : "-" })
        }
        return ([header] + lines).joined(separator: "\n")
    }
}
