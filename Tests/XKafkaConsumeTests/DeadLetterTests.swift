import Foundation
import Testing
import XKafkaConsume
import XKafkaCore

@Suite struct DeadLetterTests {
    private struct Failure: Error, CustomStringConvertible {
        let description = "no such account"
    }

    private func letter(
        _ headers: MessageHeaders = [:],
        value: MessageBytes? = [0xff, 0x00],
        error: any Error = Failure(),
        at time: Double = 1_775_908_800
    ) -> DeadLetter {
        let message = ConsumeContext(
            topic: "orders",
            partition: 3,
            offset: 41,
            key: [0xfe, 0x01],
            value: value,
            headers: headers,
            timestamp: MessageTimestamp(millisecondsSinceEpoch: 1_775_900_000_123),
            attempt: 4
        )
        return DeadLetter(
            message,
            error: error,
            firstFailedAt: Date(timeIntervalSince1970: time - 1.5),
            failedAt: Date(timeIntervalSince1970: time),
            group: "billing"
        )
    }

    private let own: MessageHeaders = [
        "x-source-topic": "orders", "x-source-partition": "3", "x-source-offset": "41", "x-logical-key": [0xfe, 0x01],
        "x-attempt": "4", "x-error": "no such account", "x-failed-at": "2026-04-11T12:00:00Z",
        "x-source-timestamp": "1775900000123", "x-group": "billing",
        "x-error-type": MessageBytes(String(reflecting: Failure.self)),
        "x-first-failed-at": "2026-04-11T11:59:58.5Z",
    ]

    @Test func keyValueAndHeadersAreTheMessagesOwn() {
        let original: MessageHeaders = ["trace": "a", "trace": nil, "empty": ""]
        let letter = letter(original)
        #expect(letter.key == [0xfe, 0x01])
        #expect(letter.value == [0xff, 0x00])
        #expect(letter.headers == MessageHeaders(Array(original) + Array(own)))
        #expect(self.letter(value: nil).value == nil, "a tombstone stays one")
    }

    @Test func aSecondPassReplacesInsteadOfRepeating() {
        let first = letter(["trace": "a"]).headers
        #expect(letter(first).headers == MessageHeaders([first[0]] + Array(own)))
    }

    @Test func namesThatAreNotUTF8StayAsTheyAre() {
        let odd = MessageHeader(nameBytes: [0xc3, 0x28], value: [0x80])
        #expect(letter(MessageHeaders([odd])).headers.first == odd)
    }

    @Test func longErrorsAreCut() throws {
        struct Long: Error, CustomStringConvertible {
            let description = String(repeating: "ä", count: 100_000)
        }
        let text = try #require(letter(error: Long()).headers.first(named: "x-error")?.value)
        #expect(text.count <= DeadLetter.textLimit + 8)
    }

    @Test func markedErrorsAreTheirCause() {
        let headers = letter(error: Permanent(Failure())).headers
        #expect(headers == own)
    }

    @Test(arguments: [
        (1_775_908_800.0, "2026-04-11T12:00:00Z"), (1_775_908_800.25, "2026-04-11T12:00:00.25Z"),
        (0, "1970-01-01T00:00:00Z"),
        (-0.5, "1969-12-31T23:59:59.5Z"),
    ])
    func timesHaveAsManyDecimalsAsTheyNeed(time: Double, text: String) {
        #expect(letter(at: time).headers.first(named: "x-failed-at")?.value == MessageBytes(text))
    }
}
