import Testing
import XKafkaCore
import XKafkaTestingInternal

@Suite struct ErrorNewsTests {
    private func error(_ code: KafkaError.Code, _ text: String) -> KafkaError {
        KafkaError(code: code, name: "", text: text, errorClass: .retriable, operation: "consume")
    }

    @Test func repetitionsAreNoNews() {
        var news = ErrorNews()
        let start = ContinuousClock.now
        #expect(result(of: news.note(error(.transport, "after 10ms"), at: start)))
        #expect(result(of: news.note(error(.allBrokersDown, "2/2 down"), at: start)))
        for second in 1...1_000 {
            #expect(!result(of: news.note(error(.transport, "after \(second)ms"), at: start + .seconds(second))))
        }
        #expect(
            result(of: news.note(error(.allBrokersDown, "2/2 down"), at: start + .seconds(1_000))),
            "it had been quiet"
        )
    }

    @Test func differentTopicsAreDifferentTrouble() {
        var news = ErrorNews()
        let start = ContinuousClock.now
        #expect(result(of: news.note(error(.unknownTopicOrPartition, "a does not exist"), at: start)))
        #expect(result(of: news.note(error(.unknownTopicOrPartition, "b does not exist"), at: start)))
        #expect(!result(of: news.note(error(.unknownTopicOrPartition, "a does not exist"), at: start)))
    }
}
