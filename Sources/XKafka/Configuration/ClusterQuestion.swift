import XKafkaCore
import XKafkaTransport

/// Asks a cluster something, on a thread that may wait for the answer.
enum ClusterQuestion {
    /// librdkafka wants a group for its queries; nothing is joined or committed.
    private static let groupName = "xkafka-queries"

    static func ask<Answer: Sendable>(
        _ properties: ClientProperties,
        timeout: Duration,
        _ question: @escaping @Sendable (ClusterQueries) throws -> Answer
    ) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            DedicatedThread.start("xkafka.queries") {
                continuation.resume(
                    with: Result {
                        try question(try ClusterQueries(properties, group: groupName, timeout: timeout))
                    }
                )
            }
        }
    }
}
