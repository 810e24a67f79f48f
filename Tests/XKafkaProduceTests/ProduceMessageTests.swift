import Testing
import XKafkaCore
import XKafkaProduce

@Suite struct ProduceMessageTests {
    @Test func textsAreSentAsUTF8() {
        let key = "ключ"
        let message = ProduceMessage(key: key, value: "wert")
        #expect(message.key.map { Array($0) } == Array("ключ".utf8))
        #expect(message.value == "wert")
        #expect(message.topic == nil)
    }

    @Test func missingAndEmptyAreDifferent() {
        #expect(ProduceMessage(topic: "t").value == nil)
        #expect(ProduceMessage(topic: "t", value: "").value == MessageBytes())
        #expect(ProduceMessage(topic: "t", value: "") != ProduceMessage(topic: "t"))
    }
}
