import CKafka

enum Statistics {
    /// How large a text may be. With some kilobytes for each partition that is thousands of them.
    private static let sizeLimit = 32 * 1_048_576

    /// The text of a statistics event; `nil` when there is none, or too much.
    static func json(of event: OpaquePointer) -> [UInt8]? {
        guard let text = rd_kafka_event_stats(event) else { return nil }
        var count = 0
        while text[count] != 0 {
            count += 1
            if count > sizeLimit { return nil }
        }
        return Array(UnsafeRawBufferPointer(start: text, count: count))
    }
}
