public import XKafkaCore

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Where messages go that failed too often, under ``ExhaustedPolicy/dlqCommit``.
///
/// Consumers bring one that writes to a topic. One of your own can write anywhere.
public protocol DeadLetterPublisher: Sendable {
    /// Keeps `letter` for good. The message counts as done once this returns, and its offset may be
    /// committed; when it throws, publishing is tried again, and the message's handler is not.
    ///
    /// The same letter may come again after a crash. When the calling task is cancelled, the message's
    /// partition is being given back and nothing should be published any more.
    func publish(_ letter: DeadLetter) async throws
}

/// A message that failed too often, and how.
public struct DeadLetter: Sendable {
    /// The message, with the number of the last attempt.
    public let message: ConsumeContext

    /// The last error of its handler.
    public let error: any Error

    /// When it failed first.
    public let firstFailedAt: Date

    /// When it failed last.
    public let failedAt: Date

    /// The group that read it; `nil` for a consumer without one.
    public let group: String?

    /// A letter for `message`, which failed with `error`.
    public init(_ message: ConsumeContext, error: any Error, firstFailedAt: Date, failedAt: Date, group: String?) {
        self.message = message
        self.error = error
        self.firstFailedAt = firstFailedAt
        self.failedAt = failedAt
        self.group = group
    }

    /// The key to publish with: the message's own, so that the dead letters of one key stay in order.
    public var key: MessageBytes? { message.key }

    /// The value to publish: the message's own.
    public var value: MessageBytes? { message.value }

    /// The headers to publish: the message's own as they are, then those of ``DeadLetterHeader``, which
    /// replace those that an earlier pass left there.
    public var headers: MessageHeaders {
        var headers = message.headers
        headers.removeAll { DeadLetterHeader.all.contains($0.name) }
        headers.append(DeadLetterHeader.sourceTopic, MessageBytes(message.topic))
        headers.append(DeadLetterHeader.sourcePartition, MessageBytes("\(message.partition)"))
        headers.append(DeadLetterHeader.sourceOffset, MessageBytes("\(message.offset)"))
        headers.append(DeadLetterHeader.logicalKey, message.logicalKey)
        headers.append(DeadLetterHeader.attempt, MessageBytes("\(message.attempt)"))
        headers.append(DeadLetterHeader.error, MessageBytes(Self.limited("\(error)")))
        headers.append(DeadLetterHeader.failedAt, MessageBytes(failedAt.rfc3339))
        if let timestamp = message.timestamp {
            headers.append(DeadLetterHeader.sourceTimestamp, MessageBytes("\(timestamp.millisecondsSinceEpoch)"))
        }
        if let group { headers.append(DeadLetterHeader.group, MessageBytes(group)) }
        let marked: any Error = (error as? Permanent)?.cause ?? error
        headers.append(DeadLetterHeader.errorType, MessageBytes(Self.limited(String(reflecting: type(of: marked)))))
        headers.append(DeadLetterHeader.firstFailedAt, MessageBytes(firstFailedAt.rfc3339))
        return headers
    }

    /// An error's text can be of any length, and must not make the letter larger than brokers take.
    private static func limited(_ text: String) -> String {
        guard text.utf8.count > textLimit else { return text }
        return String(decoding: text.utf8.prefix(textLimit), as: UTF8.self) + "…"
    }

    /// How many bytes of an error's text, and of its type's name, a letter carries: 4,096.
    public static let textLimit = 4_096
}

/// The names of the headers that dead letters carry beside the message's own. The first seven are
/// xkafka's.
public enum DeadLetterHeader {
    /// The topic the message was read from.
    public static let sourceTopic = "x-source-topic"
    /// The partition it was read from, in decimal.
    public static let sourcePartition = "x-source-partition"
    /// Its offset there, in decimal.
    public static let sourceOffset = "x-source-offset"
    /// The bytes of its logical key.
    public static let logicalKey = "x-logical-key"
    /// How many attempts were made, in decimal.
    public static let attempt = "x-attempt"
    /// The text of the handler's last error, at most ``DeadLetter/textLimit`` bytes.
    public static let error = "x-error"
    /// When it failed last: RFC 3339 in UTC, with as many decimals as it needs.
    public static let failedAt = "x-failed-at"
    /// The message's own timestamp, in milliseconds since 1970, in decimal; missing when it had none.
    public static let sourceTimestamp = "x-source-timestamp"
    /// The group that read it; missing for a consumer without one.
    public static let group = "x-group"
    /// The type of the handler's last error.
    public static let errorType = "x-error-type"
    /// When it failed first, in the form of ``failedAt``.
    public static let firstFailedAt = "x-first-failed-at"

    /// All of them.
    static let all: Set<String> = [
        sourceTopic, sourcePartition, sourceOffset, logicalKey, attempt, error, failedAt, sourceTimestamp, group,
        errorType, firstFailedAt,
    ]
}
