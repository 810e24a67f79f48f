import Foundation
import Synchronization
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

@Suite(.timeLimit(.minutes(2))) struct ServiceOutputTests {
    /// Told to end, it ends what it has begun, then the producer, and the HTTP server last.
    @Test func terminatesGracefully() async throws {
        let output = try await ExampleOutput.run("service", terminatedAt: "message sent on")
        let text = output.lines.joined(separator: "\n")
        #expect(output.status == 0, "\(text)")
        func line(_ content: String) throws -> Int {
            try #require(output.lines.firstIndex { $0.contains(content) }, "\(content):\n\(text)")
        }
        let sent = try line("MESSAGE")
        let consumer = try line("consumer ended")
        let producer = try line("producer ended")
        let server = try line("http server ended")
        let end = try line("service ended")
        #expect(sent < consumer && consumer < producer && producer < server && server < end, "\(text)")
        #expect(output.lines.lastIndex { $0.contains("message sent on") }.map { $0 < consumer } == true, "\(text)")
    }

    /// Six messages are sent on, and the one that nothing can be made of is put aside.
    @Test func endsAfterItsTime() async throws {
        let output = try await ExampleOutput.run("service", timeout: "8s")
        let text = output.lines.joined(separator: "\n")
        #expect(output.status == 0)
        #expect(output.lines.count { $0.contains("message sent on") } == 6, "\(text)")
        #expect(output.lines.count { $0.contains("xkafka handle dead-lettered") } == 1, "\(text)")
        #expect(output.lines.last?.contains("service ended") == true, "\(text)")
    }

    /// The service tries three times again, but for errors that say that it is of no use: then the first attempt is the
    /// last, and the dead letter says so.
    @Test func permanentErrorsAreNotTriedAgain() async throws {
        let output = try await ExampleOutput.run("service", terminatedAt: "xkafka handle dead-lettered")
        let text = output.lines.joined(separator: "\n")
        let letter = try #require(output.fields(of: "xkafka handle dead-lettered").first, "\(text)")
        #expect(letter["attempt"] == "1" && letter["error"]?.hasPrefix("NothingToTransform") == true, "\(text)")
        #expect(letter["result"] == "dead_letter", "\(text)")
        #expect(!text.contains("xkafka retrying message"), "\(text)")
    }

    @Test func tellsHowItIsDoing() async throws {
        let answers = Mutex<[String: String]>([:])
        let output = try await ExampleOutput.run("service", terminatedAt: "message sent on", times: 6) { output in
            let port = output.fields(of: "http server listens").first?["port"] ?? "none"
            for path in ["health", "snapshot", "elsewhere"] {
                let answer = await get("http://127.0.0.1:\(port)/\(path)")
                answers.withLock { $0[path] = answer }
            }
        }
        let text = output.lines.joined(separator: "\n")
        let heard = answers.withLock { $0 }
        #expect(output.status == 0, "\(text)")
        #expect(heard["health"] == "200 consumer: healthy\nproducer: healthy\n", "\(text)")
        #expect(heard["snapshot"]?.hasPrefix("200 consuming: ") == true, "\(heard)")
        #expect(heard["snapshot"]?.contains("\nxkafka-example:2 ") == true, "\(heard)")
        #expect(heard["elsewhere"]?.hasPrefix("404 ") == true, "\(heard)")
    }
}

/// The status and the text that an address answers with, or what went wrong.
private func get(_ address: String) async -> String {
    guard let url = URL(string: address) else { return "no address: \(address)" }
    do {
        let (data, response) = try await URLSession.shared.data(from: url)
        return "\((response as? HTTPURLResponse)?.statusCode ?? 0) \(String(decoding: data, as: UTF8.self))"
    } catch {
        return "\(error)"
    }
}
