import InMemoryLogging
package import Logging

/// A log that can be looked at.
package struct RecordedLog: Sendable {
    /// One line, as texts.
    package struct Line: Sendable {
        package let level: Logger.Level
        package let message: String
        package let fields: [String: String]
    }

    private let handler: InMemoryLogHandler
    package let logger: Logger

    package init(level: Logger.Level = .trace) {
        let handler = InMemoryLogHandler()
        self.handler = handler
        var logger = Logger(label: "test") { _ in handler }
        logger.logLevel = level
        self.logger = logger
    }

    package var entries: [Line] {
        handler.entries.map { entry in
            Line(
                level: entry.level,
                message: "\(entry.message)",
                fields: entry.metadata.mapValues { "\($0)" }
            )
        }
    }

    /// Level and message of each line.
    package var lines: [String] { entries.map { "\($0.level) \($0.message)" } }
}
