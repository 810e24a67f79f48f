import Testing

@Suite(.timeLimit(.minutes(2))) struct ConsumerOutputTests {
    @Test func groupReadsEveryMessageAndStops() async throws {
        let output = try await ExampleOutput.run("group", terminatedAt: "message received", times: 6)
        let text = output.lines.joined(separator: "\n")
        #expect(output.status == 0, "\(text)")
        #expect(output.lines.first?.contains("group consumer started") == true, "\(text)")
        #expect(output.lines.last?.contains("group consumer stopped") == true, "\(text)")
        let received = output.fields(of: "message received")
        let places = Set(received.map { "\($0["partition"] ?? "-")@\($0["offset"] ?? "-")" })
        #expect(received.count == 6 && places.count == 6, "\(text)")
        #expect(received.allSatisfy { $0["topic"] == "xkafka-example" && $0["key"]?.hasPrefix("order-") == true })
    }

    @Test func partitionEndsWithItsCheckpoint() async throws {
        let output = try await ExampleOutput.run("partition", terminatedAt: "message received", times: 3)
        let text = output.lines.joined(separator: "\n")
        #expect(output.status == 0, "\(text)")
        #expect(output.lines.first?.contains("partition consumer started") == true, "\(text)")
        let received = output.fields(of: "message received")
        #expect(received.count >= 3, "\(text)")
        #expect(received.compactMap { $0["offset"] }.sorted() == received.indices.map(String.init), "\(text)")
        let checkpoint = output.fields(of: "partition checkpoint").first?["next_offset"]
        #expect(checkpoint == "\(received.count)", "\(text)")
        #expect(output.lines.last?.contains("partition consumer stopped") == true, "\(text)")
    }
}
