import CKafka
import XKafkaCore

extension MessageHeaders {
    /// The headers of a librdkafka list, each name and value turned into bytes by `bytes`.
    init(_ list: OpaquePointer, bytes: (UnsafeRawBufferPointer) -> MessageBytes) {
        self.init()
        var index = 0
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        while rd_kafka_header_get_all(list, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR {
            let nameBytes = name.map { UnsafeRawBufferPointer(start: $0, count: $0.length) }
            append(
                MessageHeader(
                    nameBytes: nameBytes.map(bytes) ?? MessageBytes(),
                    value: UnsafeRawBufferPointer(nullable: value, count: size).map(bytes)
                )
            )
            index += 1
        }
    }
}

extension UnsafePointer<CChar> {
    /// The number of bytes before the terminating zero.
    fileprivate var length: Int {
        var end = self
        while end.pointee != 0 { end += 1 }
        return end - self
    }
}
