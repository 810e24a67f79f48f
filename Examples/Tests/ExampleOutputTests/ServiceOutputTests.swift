import Testing

@Suite(.timeLimit(.minutes(2))) struct ServiceOutputTests {
    /// Told to end in the middle, it ends what it has begun, and the producer last.
    @Test func terminatesGracefully() async throws {
        let output = try await ExampleOutput.run("service", terminatedAt: "message sent on")
        let text = output.lines.joined(separator: "\n")
        #expect(output.status == 0, "\(text)")
        func line(_ content: String) throws -> Int {
            try #require(output.lines.firstIndex { $0.contains(content) }, "\(content):\n\(text)")
        }
        let sent = try line("MESSAGE")
        let (consumer, producer, end) = (
            try line("consumer ended"), try line("producer ended"), try line("service ended")
        )
        #expect(sent < consumer && consumer < producer && producer < end, "\(text)")
        #expect(output.lines.lastIndex { $0.contains("message sent on") }.map { $0 < consumer } == true, "\(text)")
        #expect(!text.contains("error"), "\(text)")
    }

    @Test func endsAfterItsTime() async throws {
        let output = try await ExampleOutput.run("service", timeout: "6s")
        #expect(output.status == 0)
        #expect(output.lines.count { $0.contains("message sent on") } == 6, "\(output.lines.joined(separator: "\n"))")
        #expect(output.lines.last?.contains("service ended") == true)
    }
}
