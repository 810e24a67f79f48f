package import Logging
import Synchronization

/// Whether a logger lets lines of a level through, as it was when that was last looked at.
///
/// A `Logger` answers by copying its handler, which costs as much as two locks: too much for each message of hundreds of
/// thousands a second, most of which leave no line.
package final class LevelSwitch: Sendable {
    private let logger: Logger
    private let level: Logger.Level
    private let lastSeen: Atomic<Bool>

    package init(_ logger: Logger, _ level: Logger.Level) {
        self.logger = logger
        self.level = level
        lastSeen = Atomic(logger.logLevel <= level)
    }

    package var isOn: Bool { lastSeen.load(ordering: .relaxed) }

    /// Looks again: a level may be changed while the logger is in use.
    package func look() {
        let isOn = logger.logLevel <= level
        // Not written for nothing: all threads read it.
        if isOn != self.isOn { lastSeen.store(isOn, ordering: .relaxed) }
    }
}
