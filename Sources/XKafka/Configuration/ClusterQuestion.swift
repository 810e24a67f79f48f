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
                do {
                    let queries = try ClusterQueries(properties, group: groupName, timeout: timeout)
                    continuation.resume(with: Result { try question(queries) })
                    // Freed only now: librdkafka can take its time over that, and nobody waits for it.
                    withExtendedLifetime(queries) {}
                } catch {
                    continuation.resume(throwing: error)
                }
            }
        }
    }
}
