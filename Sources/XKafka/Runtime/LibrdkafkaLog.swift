package import Logging
import Synchronization
package import XKafkaCore
package import XKafkaTransport

/// Where the log lines of one librdkafka client go: to our logger, at most 20 of a facility in 10 seconds. How many
/// more there were is said at the end of that time, so that a broker that is down neither floods the log nor is
/// forgotten.
///
/// | librdkafka | level |
/// |---|---|
/// | emergency to warning (0 to 4) | warning: what is an error of the consumer or producer reaches the caller by itself |
/// | notice (5) | notice |
/// | information (6) | debug |
/// | debugging (7) | trace, and all of them: they only come when the property `debug` asks for them |
package final class LibrdkafkaLog: Sendable {
    private struct State {
        var limiter: LineLimiter
        /// Says what was left out when the time has come.
        var summary: Task<Void, Never>?
    }

    private let logger: Logger
    private let state: Mutex<State>

    package init(_ logger: Logger, limiter: LineLimiter = LineLimiter()) {
        self.logger = logger
        state = Mutex(State(limiter: limiter))
    }

    deinit {
        // Nobody else is here any more.
        let (task, left) = state.withLock { ($0.summary, $0.limiter.takeAll()) }
        task?.cancel()
        tell(left)
    }

    package func write(_ line: LogLine) {
        let level: Logger.Level =
            switch line.severity {
            case ...4: .warning
            case 5: .notice
            case 6: .debug
            default: .trace
            }
        guard logger.logLevel <= level else { return }
        if line.severity < 7 {
            let now = ContinuousClock.now
            let (isAdmitted, ended) = state.withLock { state in
                let verdict = state.limiter.admit(line.facility, at: now)
                if !verdict.isAdmitted { summarizeLater(&state) }
                return verdict
            }
            tell(ended)
            guard isAdmitted else { return }
        }
        logger.log(level: level, "\(line.text)", metadata: ["librdkafka_facility": "\(line.facility)"])
    }

    private func summarizeLater(_ state: inout State) {
        guard state.summary == nil, let end = state.limiter.nextEnd else { return }
        state.summary = Task { [weak self] in
            try? await Task.sleep(until: end, clock: .continuous)
            self?.summarize()
        }
    }

    private func summarize() {
        let ended = state.withLock { state in
            state.summary = nil
            defer { summarizeLater(&state) }
            return state.limiter.takeEnded(at: .now)
        }
        tell(ended)
    }

    private func tell(_ suppressed: [LineLimiter.Suppressed]) {
        for lines in suppressed {
            logger.warning(
                "xkafka left out lines of librdkafka's",
                metadata: ["librdkafka_facility": "\(lines.subject)", "count": "\(lines.count)"]
            )
        }
    }
}
