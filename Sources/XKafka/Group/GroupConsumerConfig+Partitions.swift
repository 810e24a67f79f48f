import XKafkaCore
import XKafkaTransport

extension GroupConsumerConfig {
    /// How long the cluster may take over the question. What depends on the answer is how much is fetched ahead:
    /// a guess does for that.
    private static let questionTimeout = Duration.seconds(2)

    /// How many partitions the topics have; a guess for those that cannot be asked about.
    func countPartitions() async -> Int {
        let names = topics.filter { !$0.hasPrefix("^") }
        guard names.count == topics.count else { return PrefetchLimit.assumedPartitions }
        let count = try? await ask { queries in
            try names.reduce(0) { count, name in count + Int(try queries.partitionCount(of: name)) }
        }
        return count ?? PrefetchLimit.assumedPartitions
    }

    /// Those of these topics that are known to exist.
    func existing(_ names: [String]) async -> [String] {
        let found = try? await ask { queries in
            names.filter { name in ((try? queries.partitionCount(of: name)) ?? 0) > 0 }
        }
        return found ?? []
    }

    private func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (ClusterQueries) throws -> Answer
    ) async throws -> Answer {
        var properties = ClientProperties()
        properties.setConnection(brokers: brokers, clientID: clientID, security: security, logger: logger)
        properties.add(librdkafkaProperties)
        return try await ClusterQuestion.ask(properties, timeout: Self.questionTimeout, question)
    }
}
