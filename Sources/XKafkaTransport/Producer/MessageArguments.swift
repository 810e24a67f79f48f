import CKafka
import XKafkaCore

/// The arguments of one `rd_kafka_produceva` call.
struct ArgumentList {
    private let storage: UnsafeMutableBufferPointer<rd_kafka_vu_t>
    private(set) var count = 0

    init(_ storage: UnsafeMutableBufferPointer<rd_kafka_vu_t>) {
        self.storage = storage
    }

    var start: UnsafePointer<rd_kafka_vu_t>? { UnsafePointer(storage.baseAddress) }

    mutating func add(_ type: rd_kafka_vtype_t, _ set: (inout rd_kafka_vu_t.__Unnamed_union_u) -> Void) {
        var argument = rd_kafka_vu_t()
        argument.vtype = type
        set(&argument.u)
        storage.initializeElement(at: count, to: argument)
        count += 1
    }
}

/// Owns a librdkafka header list until a message takes it over.
final class HeaderList {
    private(set) var pointer: OpaquePointer?

    init(_ headers: MessageHeaders) {
        pointer = rd_kafka_headers_new(headers.count)
        for header in headers {
            header.nameBytes.withUnsafeBytes { name in
                header.value.withNullableBytes { value, size in
                    _ = rd_kafka_header_add(
                        pointer,
                        name.baseAddress?.assumingMemoryBound(to: CChar.self) ?? emptyText,
                        name.count,
                        value,
                        size
                    )
                }
            }
        }
    }

    deinit {
        if let pointer { rd_kafka_headers_destroy(pointer) }
    }

    func disown() {
        pointer = nil
    }
}

/// A text of no characters. `nonisolated(unsafe)`: it points at a constant.
private nonisolated(unsafe) let emptyText: UnsafePointer<CChar> = {
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
    text.initialize(to: 0)
    return UnsafePointer(text)
}()

extension Optional<MessageBytes> {
    /// Lends the bytes as C wants them: a null pointer for `nil`, any other for an empty run.
    func withNullableBytes<Result>(_ body: (UnsafeMutableRawPointer?, Int) -> Result) -> Result {
        // Whoever calls this has the value meanwhile.
        guard let bytes = self?.unsafeBytes else { return body(nil, 0) }
        // librdkafka copies from here and never writes.
        let start = bytes.baseAddress ?? UnsafeRawPointer(emptyText)
        return withExtendedLifetime(self) { body(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}
