import XKafkaCore

extension ClusterInspector {
    /// Waits until a group has committed everything that is in a topic: then each message is done, or dead-lettered.
    ///
    /// Groups commit once in `processing.commitInterval`, and when they end. On a real cluster a topic that was
    /// written in transactions ends with marks that are no messages; readers of such topics commit past them only
    /// once something comes behind.
    ///
    /// - Parameters:
    ///   - group: the group.
    ///   - topic: the topic. Partitions that hold nothing need no commit.
    ///   - limit: how long to wait at most. Default 30 s.
    /// - Throws: ``ClusterInspectorError`` with what is missing when the time is up, `KafkaError` when the cluster
    ///   cannot be asked, `CancellationError`.
    public func waitUntilCommitted(
        byGroup group: String,
        topic: String,
        within limit: Duration = .seconds(30)
    ) async throws {
        let deadline = ContinuousClock.now + limit
        while true {
            var missing: String
            do {
                missing = try await uncommitted(ofGroup: group, topic: topic)
                if missing.isEmpty { return }
            } catch let error as KafkaError where error.errorClass == .retriable {
                missing = "\(error)"
            }
            guard ContinuousClock.now < deadline else {
                throw ClusterInspectorError(
                    "group \(group) has not committed all of \(topic) within \(limit): \(missing)"
                )
            }
            // A cluster announces no commits: there is nothing but asking again.
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The partitions whose end is not committed, in words.
    private func uncommitted(ofGroup group: String, topic: String) async throws -> String {
        let committed = try await committedOffsets(ofGroup: group, topic: topic)
        let ends = try await endOffsets(of: topic)
        return ends.sorted { $0.key < $1.key }
            .filter { $0.value > 0 && committed[$0.key, default: 0] < $0.value }
            .map { "partition \($0.key) at \(committed[$0.key].map { "\($0)" } ?? "nothing") of \($0.value)" }
            .joined(separator: ", ")
    }
}

/// What a cluster should hold, and does not.
public struct ClusterInspectorError: Error, Sendable, CustomStringConvertible {
    /// What is missing.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
