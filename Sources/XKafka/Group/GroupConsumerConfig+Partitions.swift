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
        var properties = ClientProperties()
        properties.setConnection(brokers: brokers, clientID: clientID, security: security, logger: logger)
        properties.add(librdkafkaProperties)
        let count = try? await ClusterQuestion.ask(properties, timeout: Self.questionTimeout) { queries in
            try names.reduce(0) { count, name in count + Int(try queries.partitionCount(of: name)) }
        }
        return count ?? PrefetchLimit.assumedPartitions
    }
}
