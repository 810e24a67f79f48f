public import Logging
public import XKafka

extension Logger {
    /// Writes a line about a message that was read.
    public func logReceived(_ message: ConsumeContext) {
        info(
            "message received",
            metadata: [
                "topic": "\(message.topic)", "partition": "\(message.partition)", "offset": "\(message.offset)",
                "key": "\(message.key.map { String($0) } ?? "")",
                "value": "\(message.value.map { String($0) } ?? "")",
            ]
        )
    }
}
