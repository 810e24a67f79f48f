import Testing
import XKafka

@Suite struct ConfigValidationTests {
    @Test func groupConsumerReportsEverythingAtOnce() {
        var config = GroupConsumerConfig(brokers: [], groupID: " ", topics: ["a", "a", ""])
        config.processing.shardCount = 0
        config.processing.shardQueueSize = -1
        config.processing.maxConcurrentHandlers = 0
        config.processing.byteBudget = 0
        config.processing.drainDeadline = .seconds(301)
        config.processing.commitInterval = .zero
        config.processing.retry.multiplier = 0.5
        config.processing.exhaustedPolicy = .stop
        config.heartbeatInterval = .seconds(60)
        config.security.sasl = SASLConfig(mechanism: .plain, username: "", password: "x")
        config.librdkafkaProperties = ["enable.auto.commit": "true"]
        let error = #expect(throws: ConfigurationError.self) { try config.validate() }
        #expect(
            error?.problems.map(\.field) == [
                "brokers", "groupID", "topics", "topics", "processing.shardCount", "processing.shardQueueSize",
                "processing.maxConcurrentHandlers", "processing.byteBudget", "processing.commitInterval",
                "processing.retry.multiplier", "processing.exhaustedPolicy", "heartbeatInterval",
                "processing.drainDeadline", "security.sasl.username", "librdkafkaProperties.enable.auto.commit",
            ]
        )
        #expect(throws: ConfigurationError.self) { try GroupConsumer(config) }
    }

    @Test func partitionConsumerReportsEverythingAtOnce() {
        var config = PartitionConsumerConfig(brokers: [""], topic: "", partition: -1)
        config.processing.shardCount = -3
        let error = #expect(throws: ConfigurationError.self) { try config.validate() }
        #expect(error?.problems.map(\.field) == ["brokers", "topic", "partitions", "processing.shardCount"])
        #expect(throws: ConfigurationError.self) { try PartitionConsumer(config) }
    }

    @Test func producerReportsEverythingAtOnce() {
        var config = ProducerConfig(brokers: ["a:1,b:2"], defaultTopic: "")
        config.dispatch = ProducerDispatchConfig(shardCount: 0, workerCount: -1, queueSize: 0, maxInFlight: 0)
        config.retry.multiplier = 0
        config.exhaustedPolicy = .drop
        config.topicHandlers = [" ": ProduceTopicHandlers([]), " orders": ProduceTopicHandlers([])]
        config.acks = .leader
        config.maxInFlightRequests = 6
        config.linger = .seconds(200)
        config.closeDeadline = .seconds(-1)
        config.batchMessages = 0
        config.batchBytes = 0
        config.maxMessageBytes = 10
        config.maxInFlightMessages = 0
        config.maxInFlightBytes = 0
        let error = #expect(throws: ConfigurationError.self) { try config.validate() }
        #expect(
            error?.problems.map(\.field) == [
                "brokers", "defaultTopic", "dispatch.shardCount", "dispatch.workerCount", "dispatch.queueSize",
                "dispatch.maxInFlight", "retry.multiplier", "exhaustedPolicy", "topicHandlers", "topicHandlers",
                "acks", "maxInFlightRequests", "linger", "closeDeadline", "batchMessages", "batchBytes",
                "maxMessageBytes", "maxInFlightMessages", "maxInFlightBytes",
            ]
        )
        #expect(throws: ConfigurationError.self) { try Producer(config) }
    }

    @Test func producerRulesBetweenFields() throws {
        var config = ProducerConfig(brokers: ["127.0.0.1:1"])
        config.exhaustedPolicy = .stop
        #expect(throws: ConfigurationError.self) { try config.validate() }
        config.retry.maxRetries = 0
        try config.validate()
        config.isIdempotent = false
        config.acks = .leader
        let order = #expect(throws: ConfigurationError.self) { try config.validate() }
        #expect(order?.problems.map(\.field) == ["maxInFlightRequests"], "retries would change the order")
        config.maxInFlightRequests = 1
        try config.validate()
        config.maxInFlightRequests = 50
        config.dispatch.mode = .parallel
        try config.validate()
        // librdkafka has rules of its own between these.
        config.batchBytes = 2_000_000_000
        config.maxMessageBytes = 1_000
        try config.validate()
    }

    /// librdkafka's own words, for properties it does not know and for rules between properties.
    @Test func librdkafkaHasItsSay() throws {
        var consumer = GroupConsumerConfig(brokers: ["127.0.0.1:1"], groupID: "g", topics: ["t"])
        consumer.librdkafkaProperties = ["no.such.property": "1", "fetch.min.bytes": "many"]
        let unknown = #expect(throws: ConfigurationError.self) { try consumer.validate() }
        #expect(
            unknown?.problems.map(\.field) == [
                "librdkafkaProperties.fetch.min.bytes", "librdkafkaProperties.no.such.property",
            ]
        )
        #expect(unknown?.problems.last?.rule.contains("No such configuration property") == true)

        consumer.librdkafkaProperties = ["fetch.max.bytes": "1000", "message.max.bytes": "100000"]
        let together = #expect(throws: ConfigurationError.self) { try consumer.validate() }
        #expect(together?.description.contains("`fetch.max.bytes` must be >= `message.max.bytes`") == true)

        var secure = ProducerConfig(brokers: ["127.0.0.1:1"])
        secure.security.tls = TLSConfig(certificateAuthorities: .pem("not a certificate SECRET"))
        let certificate = #expect(throws: ConfigurationError.self) { try secure.validate() }
        #expect(certificate.map { "\($0)" }?.contains("SECRET") == false)
    }

    @Test func propertiesCannotOverrideWhatTheLibraryOwnsNorShowSecrets() {
        var producer = ProducerConfig(brokers: ["127.0.0.1:1"])
        producer.librdkafkaProperties = [
            "delivery.report.only.error": "true", "sasl.password": "hunter2",
            "ssl.endpoint.identification.algorithm": "none",
            "transactional.id": "t",
        ]
        let owned = #expect(throws: ConfigurationError.self) { try producer.validate() }
        #expect(owned?.problems.count == 4)
        #expect(owned.map { "\($0)" }?.contains("hunter2") == false)
        producer.librdkafkaProperties = ["ssl.keystore.password": "hunter2", "no.such.secret": "hunter2"]
        let unknown = #expect(throws: ConfigurationError.self) { try producer.validate() }
        #expect(unknown?.problems.map(\.field) == ["librdkafkaProperties.no.such.secret"])
        #expect(unknown.map { "\($0)" }?.contains("hunter2") == false)
    }

    @Test func defaultsAreValidAndAsDocumented() throws {
        let group = GroupConsumerConfig(brokers: ["127.0.0.1:1"], groupID: "g", topics: ["t", "^logs-.*"])
        try group.validate()
        try PartitionConsumerConfig(brokers: ["127.0.0.1:1"], topic: "t").validate()
        try ProducerConfig(brokers: ["127.0.0.1:1"]).validate()
        let producer = ProducerConfig(brokers: ["127.0.0.1:1"])
        #expect(producer.dispatch.mode == .keySharded)
        #expect(producer.dispatch.shardCount == 32)
        #expect(producer.dispatch.workerCount == 4)
        #expect(producer.dispatch.queueSize == 1_024)
        #expect(producer.acks == .all)
        #expect(producer.isIdempotent)
        #expect(producer.exhaustedPolicy == .block)
        #expect(producer.retry.maxRetries == RetryConfig.infiniteRetries)
        #expect(group.processing.shardCount == 32)
        #expect(group.processing.shardQueueSize == 1_024)
        #expect(group.processing.maxConcurrentHandlers == 32)
        #expect(group.start == .earliest)
        #expect(group.clientID != GroupConsumerConfig(brokers: [], groupID: "", topics: []).clientID)
    }

    @Test func descriptions() throws {
        let partition = try PartitionConsumer(
            PartitionConsumerConfig(brokers: ["127.0.0.1:1"], topic: "t", partition: 3)
        )
        #expect("\(partition)" == "partition-consumer(t:3)")
        let group = try GroupConsumer(GroupConsumerConfig(brokers: ["127.0.0.1:1"], groupID: "g", topics: ["a", "b"]))
        #expect("\(group)" == "group-consumer(g:a,b)")
    }
}
