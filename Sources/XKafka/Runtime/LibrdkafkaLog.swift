import Logging
import XKafkaTransport

extension Logger {
    /// Writes a line of librdkafka's under our label, at most as a warning: what is an error of the
    /// consumer or producer reaches the caller by itself.
    func log(_ line: LogLine) {
        let level: Logger.Level =
            switch line.severity {
            case ...4: .warning
            case 5: .notice
            case 6: .debug
            default: .trace
            }
        log(level: level, "\(line.text)", metadata: ["librdkafka_facility": "\(line.facility)"])
    }
}
