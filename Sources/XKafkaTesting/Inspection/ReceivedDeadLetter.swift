public import XKafkaConsume
public import XKafkaCore

/// A dead letter, as it is read from its topic: the message that failed, and what its headers tell about that.
public struct ReceivedDeadLetter: Sendable {
    /// The dead letter itself, with the key and the value of the message that failed. Its topic, partition and
    /// offset are the letter's own.
    public let message: ConsumeContext
    /// Where the message that failed is.
    public let source: TopicPartitionOffset
    /// How many attempts were made; `nil` when nobody said.
    public let attempts: Int?
    /// The text of the last error; `nil` when nobody said.
    public let error: String?
    /// The type of the last error, with its module; `nil` when nobody said.
    public let errorType: String?
    /// The group that read it; `nil` for a consumer without one.
    public let group: String?

    /// Reads what the headers of `DeadLetterHeader` say.
    ///
    /// - Returns: `nil` when they do not tell where the message is that failed: then it is no dead letter.
    public init?(_ message: ConsumeContext) {
        let headers = message.headers
        func text(_ name: String) -> String? { headers.first(named: name)?.value.map { String($0) } }
        guard let topic = text(DeadLetterHeader.sourceTopic),
            let partition = text(DeadLetterHeader.sourcePartition).flatMap({ Int32($0) }), partition >= 0,
            let offset = text(DeadLetterHeader.sourceOffset).flatMap({ Int64($0) }), offset >= 0
        else { return nil }
        self.message = message
        source = TopicPartitionOffset(TopicPartition(topic: topic, partition: partition), offset: offset)
        attempts = text(DeadLetterHeader.attempt).flatMap { Int($0) }
        error = text(DeadLetterHeader.error)
        errorType = text(DeadLetterHeader.errorType)
        group = text(DeadLetterHeader.group)
    }
}
