import Testing
import XKafkaCore

@Suite struct MessageHeadersTests {
    @Test func keepsOrderDuplicatesAndNulls() {
        var headers: MessageHeaders = ["b": "1", "a": nil, "b": ""]
        headers.append("c", "2")
        #expect(headers.map(\.name) == ["b", "a", "b", "c"])
        #expect(headers.map(\.value) == ["1", nil, "", "2"])
        #expect(headers.first(named: "b")?.value == "1")
        #expect(headers.all(named: "b").map(\.value) == ["1", ""])
        #expect(headers.first(named: "B") == nil)
    }

    @Test func namesThatAreNotTextAreKept() {
        let header = MessageHeader(nameBytes: [0xff, 0x41], value: nil)
        #expect(header.name == "\u{fffd}A")
        #expect(header.nameBytes == [0xff, 0x41])
    }
}
