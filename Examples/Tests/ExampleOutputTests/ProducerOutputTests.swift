import Testing

@Suite(.timeLimit(.minutes(2))) struct ProducerOutputTests {
    @Test func tellsWhereEachMessageWent() async throws {
        let output = try await ExampleOutput.run("producer")
        let text = output.lines.joined(separator: "\n")
        #expect(output.status == 0, "\(text)")
        let sent = output.fields(of: "produce succeeded")
        let kinds = ["single", "batch[0]", "batch[1]", "async", "report[0]", "report[1]", "report[2]"]
        #expect(sent.map { $0["kind"] } == kinds, "\(text)")
        #expect(sent.allSatisfy { $0["topic"] == "xkafka-example" && $0["attempt"] == "1" }, "\(text)")
        #expect(sent.allSatisfy { $0["offset"].flatMap { Int($0) } != nil }, "\(text)")
        let places = Set(sent.map { "\($0["partition"] ?? "-")@\($0["offset"] ?? "-")" })
        #expect(places.count == kinds.count, "\(text)")
        #expect(output.lines.last?.contains("producer example completed") == true, "\(text)")
    }
}
