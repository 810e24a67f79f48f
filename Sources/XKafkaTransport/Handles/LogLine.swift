import CKafka

/// A line librdkafka wants logged.
package struct LogLine: Sendable {
    /// As in syslog: 0 is an emergency, 3 an error, 4 a warning, 6 information, 7 debugging.
    package let severity: Int
    /// librdkafka's name for what the line is about, such as `FAIL`.
    package let facility: String
    package let text: String

    package init(severity: Int, facility: String, text: String) {
        self.severity = severity
        self.facility = facility
        self.text = text
    }

    package init?(_ event: OpaquePointer) {
        var facility: UnsafePointer<CChar>?
        var text: UnsafePointer<CChar>?
        var severity: Int32 = 0
        guard rd_kafka_event_log(event, &facility, &text, &severity) == 0, let facility, let text else { return nil }
        self.severity = Int(severity)
        self.facility = String(cString: facility)
        self.text = String(cString: text)
    }
}
