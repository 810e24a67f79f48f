import CKafka
import Testing
import XKafkaCore
import XKafkaTransport

@Suite struct KafkaErrorTests {
    /// The numbers in our own list are librdkafka's.
    @Test(arguments: [
        (KafkaError.Code.transport, "_TRANSPORT"), (.messageTimedOut, "_MSG_TIMED_OUT"),
        (.partitionEnd, "_PARTITION_EOF"), (.unknownPartition, "_UNKNOWN_PARTITION"),
        (.unknownTopic, "_UNKNOWN_TOPIC"), (.allBrokersDown, "_ALL_BROKERS_DOWN"), (.invalidArgument, "_INVALID_ARG"),
        (.timedOut, "_TIMED_OUT"), (.queueFull, "_QUEUE_FULL"),
        (.offsetOutOfRangeWithoutReset, "_AUTO_OFFSET_RESET"), (.wrongState, "_STATE"), (.noOffset, "_NO_OFFSET"),
        (.authentication, "_AUTHENTICATION"), (.tls, "_SSL"), (.fatal, "_FATAL"), (.purgedFromQueue, "_PURGE_QUEUE"),
        (.purgedInFlight, "_PURGE_INFLIGHT"), (.none, "NO_ERROR"), (.offsetOutOfRange, "OFFSET_OUT_OF_RANGE"),
        (.unknownTopicOrPartition, "UNKNOWN_TOPIC_OR_PART"), (.leaderNotAvailable, "LEADER_NOT_AVAILABLE"),
        (.notLeaderForPartition, "NOT_LEADER_FOR_PARTITION"), (.requestTimedOut, "REQUEST_TIMED_OUT"),
        (.messageTooLarge, "MSG_SIZE_TOO_LARGE"), (.offsetMetadataTooLarge, "OFFSET_METADATA_TOO_LARGE"),
        (.coordinatorLoadInProgress, "COORDINATOR_LOAD_IN_PROGRESS"),
        (.coordinatorNotAvailable, "COORDINATOR_NOT_AVAILABLE"), (.notCoordinator, "NOT_COORDINATOR"),
        (.notEnoughReplicas, "NOT_ENOUGH_REPLICAS"), (.illegalGeneration, "ILLEGAL_GENERATION"),
        (.unknownMember, "UNKNOWN_MEMBER_ID"), (.rebalanceInProgress, "REBALANCE_IN_PROGRESS"),
        (.topicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED"),
        (.groupAuthorizationFailed, "GROUP_AUTHORIZATION_FAILED"), (.fencedInstance, "FENCED_INSTANCE_ID"),
    ])
    func codesAreLibrdkafkas(code: KafkaError.Code, name: String) {
        #expect(code.name == name)
    }

    @Test func errorsSayWhatCanBeDone() {
        #expect(KafkaError(RD_KAFKA_RESP_ERR__TRANSPORT, "x").errorClass == .retriable)
        #expect(KafkaError(RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, "x").errorClass == .retriable)
        #expect(KafkaError(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, "x").errorClass == .permanent)
        #expect(KafkaError(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "x").errorClass == .permanent)
        #expect(KafkaError(RD_KAFKA_RESP_ERR__FATAL, "x").errorClass == .fatal)
        #expect(KafkaError(RD_KAFKA_RESP_ERR_UNKNOWN, "x", isFatal: true).errorClass == .fatal)
    }

    @Test func unknownCodesAreNamedAndPermanent() {
        let error = KafkaError(rd_kafka_resp_err_t(rawValue: 31_999), "talk to the future")
        #expect(error.errorClass == .permanent)
        #expect(error.code.rawValue == 31_999)
        #expect(error.description.hasPrefix("talk to the future: "))
    }

    /// An error object as librdkafka makes them: seeking is refused while nothing is assigned.
    @Test func errorObjectsAreRead() throws {
        var properties = ClientProperties()
        properties.set("group.id", "g")
        let client = try ClientHandle(.consumer, properties, events: 0)
        defer { client.destroy() }
        let list = TopicPartitionList([TopicPartition(topic: "t", partition: 0)])
        let error = try #require(
            KafkaError(consuming: rd_kafka_incremental_unassign(client.pointer, list.pointer), "unassign")
        )
        #expect(error.operation == "unassign")
        #expect(!error.name.isEmpty && !error.text.isEmpty)
        #expect(KafkaError(consuming: nil, "x") == nil)
    }
}
