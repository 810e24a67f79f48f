/// Leaves out of a schedule whatever the violation does not need (delta debugging).
///
/// - Parameter broken: plays a schedule, and answers the rule that it breaks.
func shortenSchedule<Event>(_ events: [Event], _ broken: ([Event]) -> SimulationRule?) -> [Event] {
    guard let rule = broken(events) else { return events }
    var shortest = events
    var size = max(1, shortest.count / 2)
    while true {
        var start = 0
        var hasShrunk = false
        while start < shortest.count {
            var candidate = shortest
            candidate.removeSubrange(start..<min(start + size, shortest.count))
            if broken(candidate) == rule {
                shortest = candidate
                hasShrunk = true
            } else {
                start += size
            }
        }
        if size == 1 && !hasShrunk { return shortest }
        size = max(1, size / 2)
    }
}
