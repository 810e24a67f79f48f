package import Logging
import Synchronization

/// A log whose level can be changed while it is in use.
package final class AdjustableLog: Sendable {
    private struct Handler: LogHandler {
        let log: AdjustableLog
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level {
            get { log.level }
            set { log.level = newValue }
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            log.lines.add("\(event.message)")
        }
    }

    private let state = Mutex(Logger.Level.error)
    /// The messages of all lines.
    package let lines = Collector<String>()

    package init() {}

    package var level: Logger.Level {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }

    package var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    /// How many lines say this.
    package func count(of message: String) -> Int { lines.values.count { $0 == message } }
}
