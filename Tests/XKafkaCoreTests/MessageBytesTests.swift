import Testing
import XKafkaCore

@Suite struct MessageBytesTests {
    @Test func missingAndEmptyAreDifferent() {
        let missing: MessageBytes? = nil
        let empty: MessageBytes? = ""
        #expect(missing != empty)
        #expect(empty?.isEmpty == true)
        #expect(MessageBytes() == "")
    }

    @Test func readsBackWhatItWasMadeOf() {
        let bytes: MessageBytes = [0x00, 0xff, 0x80]
        #expect(Array(bytes) == [0x00, 0xff, 0x80])
        #expect(MessageBytes("grün") == "grün")
        #expect(String(MessageBytes("grün")) == "grün")
        #expect(String(bytes) == "\u{0}\u{fffd}\u{fffd}", "what is not UTF-8 is repaired, never a trap (R12)")
        #expect(MessageBytes(stride(from: 1 as UInt8, to: 4, by: 1)) == [1, 2, 3])
        #expect(Set([MessageBytes("a"), "a", "b"]).count == 2)
    }

    @Test func spanBorrowsTheBytes() {
        let bytes: MessageBytes = "abc"
        let span = bytes.span
        let count = span.byteCount
        #expect(count == 3)
        let second = span.unsafeLoad(fromByteOffset: 1, as: UInt8.self)
        #expect(second == UInt8(ascii: "b"))
        let empty = MessageBytes()
        let none = empty.span.byteCount
        #expect(none == 0)
    }

    @Test func copyOutlivesItsOwner() {
        final class Owner: Sendable {
            nonisolated(unsafe) let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 3, alignment: 1)
            init() { memory.copyBytes(from: Array("key".utf8)) }
            deinit {
                memory.initializeMemory(as: UInt8.self, repeating: 0)
                memory.deallocate()
            }
        }
        var copy = MessageBytes()
        weak var freed: Owner?
        do {
            let owner = Owner()
            freed = owner
            let borrowed = MessageBytes(UnsafeRawBufferPointer(owner.memory), ownedBy: owner)
            #expect(borrowed == "key")
            copy = borrowed.copied()
        }
        #expect(freed == nil, "the copy does not keep the fetch alive")
        #expect(copy == "key")
    }

    @Test func descriptionShowsNoContents() {
        #expect("\(MessageBytes("top secret"))" == "10 bytes")
    }
}
