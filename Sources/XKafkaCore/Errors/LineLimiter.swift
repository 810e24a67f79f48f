/// Decides which lines of a talkative source are logged: so many per subject and period. Counts the others.
///
/// A value without a clock: time is an argument.
package struct LineLimiter: Sendable {
    /// How many lines were left out.
    package struct Suppressed: Sendable, Hashable {
        package let subject: String
        package let count: Int

        package init(subject: String, count: Int) {
            self.subject = subject
            self.count = count
        }
    }

    private struct Window: Sendable {
        let end: ContinuousClock.Instant
        var lines = 0
        var suppressed = 0
    }

    private let limit: Int
    private let period: Duration
    private let maxSubjects: Int
    private var windows: [String: Window] = [:]

    /// - Parameters:
    ///   - limit: how many lines of a subject pass in each period.
    ///   - period: counted from the first line of the subject.
    ///   - maxSubjects: how many subjects are told apart at a time; further ones count as one, called `other`.
    package init(limit: Int = 20, period: Duration = .seconds(10), maxSubjects: Int = 64) {
        self.limit = limit
        self.period = period
        self.maxSubjects = maxSubjects
    }

    /// When the next period ends in which something was left out.
    package var nextEnd: ContinuousClock.Instant? {
        windows.values.lazy.filter { $0.suppressed > 0 }.map(\.end).min()
    }

    /// Whether a line may pass, and what was left out in periods that are over by now.
    package mutating func admit(
        _ subject: String,
        at now: ContinuousClock.Instant
    ) -> (isAdmitted: Bool, ended: [Suppressed]) {
        let ended = takeEnded(at: now)
        let subject = windows[subject] == nil && windows.count >= maxSubjects ? "other" : subject
        var window = windows[subject] ?? Window(end: now + period)
        let isAdmitted = window.lines < limit
        if isAdmitted { window.lines += 1 } else { window.suppressed += 1 }
        windows[subject] = window
        return (isAdmitted, ended)
    }

    /// Ends the periods that are over, and answers what was left out in them, by subject.
    package mutating func takeEnded(at now: ContinuousClock.Instant) -> [Suppressed] {
        take { $0.end <= now }
    }

    /// Ends all periods.
    package mutating func takeAll() -> [Suppressed] {
        take { _ in true }
    }

    private mutating func take(_ isOver: (Window) -> Bool) -> [Suppressed] {
        guard windows.values.contains(where: isOver) else { return [] }
        let ended = windows.filter { isOver($0.value) }
        for subject in ended.keys { windows[subject] = nil }
        return ended.filter { $0.value.suppressed > 0 }
            .map { Suppressed(subject: $0.key, count: $0.value.suppressed) }
            .sorted { $0.subject < $1.subject }
    }
}
