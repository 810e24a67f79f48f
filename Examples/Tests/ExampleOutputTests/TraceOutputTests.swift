import Testing

@Suite(.timeLimit(.minutes(2))) struct TraceOutputTests {
    @Test func everythingIsOneTrace() async throws {
        let output = try await ExampleOutput.run("trace")
        #expect(output.status == 0, "\(output.lines.joined(separator: "\n"))")
        let trace = try #require(output.fields(of: "trace begins").first?["trace"])
        let checkout = try #require(output.fields(of: "span checkout").first)
        let sent = output.fields(of: "span xkafka.produce")
        #expect(sent.map { $0["parent"] } == [checkout["span"], checkout["span"]])
        #expect(sent.allSatisfy { $0["trace"] == trace && $0["kind"] == "producer" })

        // The embedded broker holds other messages too, which belong to no trace.
        let attempts = output.fields(of: "span xkafka.consume").filter { $0["trace"] == trace }
        #expect(attempts.map { $0["attempt"] }.sorted { ($0 ?? "") < ($1 ?? "") } == ["1", "1", "2"])
        #expect(attempts.count { $0["error"] != nil } == 1)
        let parents = Set(attempts.map { $0["parent"] })
        #expect(parents == Set(sent.map { $0["span"] }), "each is part of the span that sent its message")
        let stored = output.fields(of: "span store")
        #expect(stored.count == 2)
        let good = Set(attempts.filter { $0["error"] == nil }.map { $0["span"] })
        #expect(Set(stored.map { $0["parent"] }) == good)
    }
}
