/// The rules of the design that are checked after every step.
package enum SimulationRule: String, Sendable, CaseIterable {
    case noLoss = "R1 no loss"
    case keyOrder = "R2 key order"
    case conservation = "R3 conservation"
    case progress = "R4 progress"
    case gaps = "R5 gaps"
    case bounds = "R6 bounds"
    case deadLettersFirst = "R7 dead letters first"
    case staleIsInert = "R8 stale is inert"
    case productionOrder = "R9 order of production"
    case everythingEnds = "R10 everything ends"
    case monotonic = "R11 monotonic"
}

/// A rule that did not hold.
package struct SimulationViolation: Error, Sendable, CustomStringConvertible {
    package let rule: SimulationRule
    package let text: String

    package var description: String { "\(rule.rawValue): \(text)" }
}

func require(
    _ isTrue: Bool,
    _ rule: SimulationRule,
    _ text: @autoclosure () -> String
) throws(SimulationViolation) {
    guard !isTrue else { return }
    throw SimulationViolation(rule: rule, text: text())
}
