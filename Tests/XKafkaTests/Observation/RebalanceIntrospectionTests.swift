import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What a member of a group says of itself while the group rebalances.
@Suite(.timeLimit(.minutes(2))) struct RebalanceIntrospectionTests {
    @Test func aRebalanceInProgressIsTold() async throws {
        let broker = try await EmbeddedBroker.withOrders((0..<4).map { ProduceMessage(key: "k\($0)", value: "v") })
        defer { broker.stop() }
        let (assigning, gate) = (Gate(), Gate())
        let seen = Collector<Int64>()
        var config = GroupConsumerConfig.testing(broker, topics: ["orders"])
        config.onAssigned = { _ in try? await assigning.pass() }
        let consumer = try GroupConsumer(config)
        try await running(
            consumer,
            { message in
                seen.add(message.offset)
                try await gate.pass()
            }
        ) {
            try await eventually("onAssigned to be waited for") {
                if case .onAssigned = try await consumer.why("orders", 0).cause { true } else { false }
            }
            let early = try await consumer.snapshot()
            #expect(!early.isSettled && early.partitions.first?.isRead == false)
            #expect(consumer.health.isDegraded)
            assigning.open()
            try await seen.wait(forCount: 4)
            try await eventually("a settled assignment") { try await consumer.snapshot().isSettled }
            try await eventually("health") { if case .healthy = consumer.health { true } else { false } }

            try broker.inject(.fail(.heartbeat, with: .rebalanceInProgress))
            try await eventually("the partition to be given back") {
                try await consumer.why("orders", 0).isBeingGivenBack
            }
            let hold = try await consumer.why("orders", 0)
            guard case .handler = hold.cause else {
                Issue.record("\(hold)")
                return
            }
            #expect(hold.offset == 0)
            #expect(try await consumer.snapshot().isSettled == false)
            try await eventually("health") {
                consumer.health.reasons.contains { if case .assignmentNotSettled = $0 { true } else { false } }
            }
            gate.open()
            try await eventually("the next assignment") { try await consumer.snapshot().isSettled }
            try await eventually("health") { if case .healthy = consumer.health { true } else { false } }
        }
    }
}
