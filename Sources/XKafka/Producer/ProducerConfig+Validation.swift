public import XKafkaCore
import XKafkaProduce
import XKafkaTransport

extension ProducerConfig {
    /// Throws everything that is wrong with this configuration, at once; librdkafka's own rules
    /// included. Connects to nothing.
    public func validate() throws(ConfigurationError) {
        try validate(needsBrokers: true)
    }

    func validate(needsBrokers: Bool) throws(ConfigurationError) {
        var checks = ConfigurationChecks(of: "ProducerConfig")
        if needsBrokers || !brokers.isEmpty { checks.requireBrokers(brokers) }
        if let defaultTopic {
            checks.requireText(defaultTopic, "defaultTopic", "a topic has a name; use nil for no default")
        }
        dispatch.check(&checks)
        retry.check(&checks)
        exhaustedPolicy.check(&checks, retry)
        for topic in topicHandlers.keys.sorted() {
            checks.requireText(topic, "topicHandlers", "producer topic handlers contain empty topic")
            checks.require(
                topic.isBlank || topic.first?.isWhitespace == false && topic.last?.isWhitespace == false,
                "topicHandlers",
                got: "\"\(topic)\"",
                "topics are looked up exactly: remove the white space around the name"
            )
        }
        checkAcknowledgements(&checks)
        checkTimes(&checks)
        checkSizes(&checks)
        security.check(&checks)
        metrics?.check(&checks)
        health.check(&checks, field: "health")
        checks.checkProperties(librdkafkaProperties, owned: OwnedProperties.producer, kind: .producer) {
            properties()
        }
        try checks.finish()
    }

    private func checkAcknowledgements(_ checks: inout ConfigurationChecks) {
        checks.require(
            !isIdempotent || acks == .all,
            "acks",
            got: acks,
            "idempotence needs acks to be all: set isIdempotent to false, or acks to all"
        )
        checks.require(
            (1...1_000_000).contains(maxInFlightRequests),
            "maxInFlightRequests",
            got: maxInFlightRequests,
            "must be at least 1 and at most 1,000,000"
        )
        checks.require(
            !isIdempotent || maxInFlightRequests <= 5,
            "maxInFlightRequests",
            got: maxInFlightRequests,
            "must be at most 5 with idempotence"
        )
        checks.require(
            isIdempotent || dispatch.mode == .parallel || maxInFlightRequests == 1,
            "maxInFlightRequests",
            got: maxInFlightRequests,
            "must be 1 without idempotence, or retries change the order of messages; mode parallel keeps none"
        )
    }

    private func checkTimes(_ checks: inout ConfigurationChecks) {
        checks.requireMilliseconds(linger, "linger", in: .zero...Duration.seconds(900))
        checks.requireMilliseconds(deliveryTimeout, "deliveryTimeout", in: .milliseconds(1)...Duration.seconds(86_400))
        checks.require(
            linger < deliveryTimeout,
            "linger",
            got: linger,
            "must be less than deliveryTimeout (\(deliveryTimeout))"
        )
        checks.require(
            closeDeadline >= .zero && closeDeadline <= .seconds(86_400),
            "closeDeadline",
            got: closeDeadline,
            "must be at least 0 and at most a day"
        )
    }

    private func checkSizes(_ checks: inout ConfigurationChecks) {
        checks.require(
            (1...1_000_000).contains(batchMessages),
            "batchMessages",
            got: batchMessages,
            "must be at least 1 and at most 1,000,000"
        )
        checks.require(
            (1...2_147_483_647).contains(batchBytes),
            "batchBytes",
            got: batchBytes,
            "must be at least 1 and at most 2,147,483,647"
        )
        checks.require(
            (1_000...1_000_000_000).contains(maxMessageBytes),
            "maxMessageBytes",
            got: maxMessageBytes,
            "must be at least 1,000 and at most 1,000,000,000"
        )
        checks.require(
            (1...10_000_000).contains(maxInFlightMessages),
            "maxInFlightMessages",
            got: maxInFlightMessages,
            "must be at least 1 and at most 10,000,000"
        )
        checks.requirePositive(maxInFlightBytes, "maxInFlightBytes")
    }

    package func properties() -> ClientProperties {
        var properties = ClientProperties()
        properties.setConnection(brokers: brokers, clientID: clientID, security: security, logger: logger)
        properties.set("log.queue", true)
        properties.set("enable.idempotence", isIdempotent)
        properties.set("acks", acks)
        properties.set("max.in.flight.requests.per.connection", maxInFlightRequests)
        properties.set("partitioner", partitioner)
        properties.set("compression.type", compression)
        properties.set("linger.ms", milliseconds: linger)
        properties.set("batch.num.messages", batchMessages)
        properties.set("batch.size", batchBytes)
        properties.set("message.max.bytes", maxMessageBytes)
        properties.set("delivery.timeout.ms", milliseconds: deliveryTimeout)
        // The producer's own bound suspends where librdkafka's would fail, and librdkafka counts a message
        // a little longer than the producer does: its bounds are off. That in bytes cannot be switched
        // off, only made too large to be met.
        properties.set("queue.buffering.max.messages", 0)
        properties.set("queue.buffering.max.kbytes", 2_147_483_647)
        metrics?.set(&properties)
        properties.add(librdkafkaProperties)
        return properties
    }
}
