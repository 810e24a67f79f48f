import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

#if os(Linux)
    /// R6: what is closed is freed: librdkafka's handles, and the batches of messages.
    @Suite(.timeLimit(.minutes(15))) struct HandleLeakTests {
        /// `XKAFKA_HANDLES` consumers and producers, 30 unless told otherwise.
        @Test func closedClientsLeaveNothingBehind() async throws {
            let rounds = ProcessInfo.processInfo.environment["XKAFKA_HANDLES"].flatMap { Int($0) } ?? 30
            let broker = try EmbeddedBroker.start(topics: ["handles": 1, "handles-out": 4], in: .childProcess)
            defer { broker.stop() }
            let value = MessageBytes(repeatElement(7, count: 100))
            try await broker.publish((0..<100).map { ProduceMessage(key: "k\($0)", value: value) }, to: "handles")
            let output = try await runProgram(
                try ChildProcess.executable("xkafka-test-handles").path,
                [broker.bootstrapServers, "handles", "\(rounds)"],
                limit: 120 + rounds
            )
            try #require(output.status == 0, "\(output.standardError)")
            print(output.text)
            let figures = Dictionary(
                output.text.split(whereSeparator: \.isWhitespace).dropFirst().compactMap { word in
                    let parts = word.split(whereSeparator: { "=,".contains($0) })
                    let numbers = parts.dropFirst().compactMap { Int($0) }
                    return numbers.isEmpty ? nil : (String(parts[0]), numbers)
                },
                uniquingKeysWith: { $1 }
            )
            try #require(figures["rounds"] == [rounds])
            let files = try #require(figures["files"])
            #expect(files[1] <= files[0], "a client has two pipes, and its connections")
            let threads = try #require(figures["threads"])
            // The system's pool of threads is not always of the same size.
            #expect(threads[1] <= threads[0] + 4, "a client has three threads, and one for each broker")
            let memory = try #require(figures["kibibytes"])
            #expect(memory[1] - memory[0] <= 8 * 1_024 + rounds * 4, "a client alone takes some 100 KiB")
        }
    }
#endif
