import Foundation
import Logging
import Testing
import XKafka
import XKafkaTestingInternal
import XKafkaTransport

@Suite(.timeLimit(.minutes(1))) struct LibrdkafkaLogTests {
    @Test func levelsAndFacilities() {
        let recorded = RecordedLog()
        let log = LibrdkafkaLog(recorded.logger)
        for severity in 0...7 { log.write(LogLine(severity: severity, facility: "F\(severity)", text: "t\(severity)")) }
        #expect(
            recorded.lines == [
                "warning t0", "warning t1", "warning t2", "warning t3", "warning t4", "notice t5", "debug t6",
                "trace t7",
            ]
        )
        #expect(recorded.entries.map { $0.fields["librdkafka_facility"] } == (0...7).map { "F\($0)" })
    }

    @Test func whatIsTooMuchIsCountedInTime() async throws {
        let recorded = RecordedLog()
        let limiter = LineLimiter(limit: 2, period: .milliseconds(100))
        let log = LibrdkafkaLog(recorded.logger, limiter: limiter)
        for number in 1...5 { log.write(LogLine(severity: 3, facility: "FAIL", text: "t\(number)")) }
        // No further line comes.
        try await eventually("the count") { recorded.entries.count == 3 }
        #expect(recorded.lines == ["warning t1", "warning t2", "warning xkafka left out lines of librdkafka's"])
        #expect(recorded.entries.last?.fields == ["librdkafka_facility": "FAIL", "count": "3"])
        withExtendedLifetime(log) {}
    }

    @Test func theEndTellsTheRest() {
        let recorded = RecordedLog()
        var log: LibrdkafkaLog? = LibrdkafkaLog(recorded.logger, limiter: LineLimiter(limit: 1))
        for _ in 1...4 { log?.write(LogLine(severity: 3, facility: "FAIL", text: "t")) }
        log = nil
        #expect(recorded.entries.last?.fields["count"] == "3")
    }

    /// Lines that would not be written count for nothing, and debugging is asked for.
    @Test func silentLinesAndDebugging() {
        let quiet = RecordedLog(level: .error)
        var log: LibrdkafkaLog? = LibrdkafkaLog(quiet.logger, limiter: LineLimiter(limit: 1))
        for _ in 1...4 { log?.write(LogLine(severity: 3, facility: "FAIL", text: "t")) }
        log = nil
        #expect(quiet.entries.isEmpty)
        let talkative = RecordedLog()
        log = LibrdkafkaLog(talkative.logger, limiter: LineLimiter(limit: 1))
        for _ in 1...4 { log?.write(LogLine(severity: 7, facility: "FAIL", text: "t")) }
        #expect(talkative.entries.count == 4)
    }

    @Test func linesOfAConsumerArrive() async throws {
        let recorded = RecordedLog()
        var config = GroupConsumerConfig(brokers: ["127.0.0.1:1"], groupID: "g", topics: ["t"], logger: recorded.logger)
        config.librdkafkaProperties = ["reconnect.backoff.ms": "1", "reconnect.backoff.max.ms": "10"]
        try await running(try GroupConsumer(config)) { _ in
        } while: {
            try await eventually("a line of librdkafka's") {
                recorded.entries.contains { $0.fields["librdkafka_facility"] == "FAIL" && $0.level == .warning }
            }
        }
        let failures = recorded.entries.count {
            $0.fields["librdkafka_facility"] == "FAIL" && $0.fields["count"] == nil
        }
        #expect(failures <= 20)
    }

    /// Not even a client that says all it can, about a broker that is not there, writes to standard error.
    @Test func standardErrorStaysEmpty() async throws {
        let member = try ChildProcess.executable("xkafka-test-member").path
        let ledger = FileManager.default.temporaryDirectory.appendingPathComponent(uniqueName("ledger")).path
        defer { try? FileManager.default.removeItem(atPath: ledger) }
        // The process ends when its standard input does.
        let command = """
            sleep 1 | "\(member)" --brokers 127.0.0.1:1 --group g --topic t --ledger "\(ledger)" \
            --log critical -X debug=all
            """
        let output = try await runProgram("sh", ["-c", command])
        #expect(output.status == 0)
        #expect(output.standardError.isEmpty, "\(output.standardError.prefix(500))")
    }
}
