import Testing
import XKafkaConsume
import XKafkaCore

@Suite struct ConsumeContextTests {
    @Test func canBeMadeForTestingAHandler() {
        let message = ConsumeContext(
            topic: "orders",
            partition: 3,
            offset: 42,
            key: "k",
            value: nil,
            headers: ["a": "1"],
            timestamp: MessageTimestamp(millisecondsSinceEpoch: 7)
        )
        #expect(message.topic == "orders")
        #expect(message.partition == 3)
        #expect(message.offset == 42)
        #expect(message.key == "k")
        #expect(message.value == nil)
        #expect(message.headers == ["a": "1"])
        #expect(message.timestamp?.millisecondsSinceEpoch == 7)
        #expect(message.logicalKey == "k")
        #expect(message.attempt == 1)
        #expect("\(message)" == "orders:3@42")
    }

    @Test func emptyAndMissingKeysFallBackToThePartition() {
        #expect(ConsumeContext(topic: "orders", partition: 2, key: "").logicalKey == "orders:2")
        #expect(ConsumeContext(topic: "orders", partition: 2).logicalKey == "orders:2")
        #expect(ConsumeContext(topic: "orders", partition: 2, key: "").key == "", "the key itself stays empty")
    }

    @Test func copiesAreEqualInEveryField() {
        let message = ConsumeContext(
            topic: "t",
            partition: 1,
            offset: 9,
            key: [0xff],
            value: "",
            headers: ["x": nil, "x": ""],
            attempt: 4
        )
        let copy = message.copied()
        #expect(copy.topicPartition == message.topicPartition)
        #expect(copy.offset == 9)
        #expect(copy.key == [0xff])
        #expect(copy.value == "")
        #expect(copy.headers == ["x": nil, "x": ""])
        #expect(copy.attempt == 4)
        #expect(copy.receivedAt == message.receivedAt)
    }
}
