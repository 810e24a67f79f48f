import Logging
import ServiceLifecycle
import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Consumers and producers as services of a `ServiceGroup`.
@Suite(.timeLimit(.minutes(2))) struct ServiceTests {
    /// What passes through a service that sends on what it receives.
    private struct Relay {
        let group: ServiceGroup
        let received = Collector<String>()

        init(_ broker: EmbeddedBroker, group name: String, pause: Duration = .milliseconds(5)) throws {
            let producer = try Producer(.testing(broker, topic: "out"))
            var config = GroupConsumerConfig.testing(broker, group: name, topics: ["in"])
            config.processing.maxConcurrentHandlers = 16
            let consumer = try GroupConsumer(config).service { [received] message in
                received.add(message.value.map { String($0) } ?? "")
                try await Task.sleep(for: pause)
                try await producer.produce(ProduceMessage(key: message.key, value: message.value))
            }
            group = ServiceGroup(services: [producer, consumer], logger: testLogger)
        }
    }

    private func values(of topic: String, _ broker: EmbeddedBroker) async throws -> [String] {
        var config = PartitionConsumerConfig.testing(broker, topic: topic)
        config.partitions = [0, 1, 2, 3]
        config.end = .untilEnd
        let values = Collector<String>()
        try await PartitionConsumer(config).consume { values.add($0.value.map { String($0) } ?? "") }
        return values.values
    }

    /// Stopped in the middle of a load, and started again: nothing is lost, and nothing is there twice.
    @Test func gracefulShutdownLosesAndRepeatsNothing() async throws {
        let broker = try EmbeddedBroker.start(topics: ["in": 4, "out": 4])
        defer { broker.stop() }
        let source = try Producer(.testing(broker, topic: "in"))
        let load = Load(source, perTick: 20)
        let group = uniqueName("relay")

        for _ in 0..<2 {
            let relay = try Relay(broker, group: group)
            let running = Task { try await relay.group.run() }
            try await relay.received.wait(forCount: 200)
            await relay.group.triggerGracefulShutdown()
            try await running.value
        }
        let sent = try await load.stop()
        await source.close()

        let last = try Relay(broker, group: group)
        let running = Task { try await last.group.run() }
        try await eventually("everything is committed") {
            let committed = try await ClusterInspector(brokers: broker.brokers)
                .committedOffsets(ofGroup: group, topic: "in")
            return committed.values.reduce(0, +) == sent
        }
        await last.group.triggerGracefulShutdown()
        try await running.value

        let values = try await values(of: "out", broker)
        #expect(values.count == sent, "\(values.count - Set(values).count) twice")
        #expect(Set(values) == Set((0..<sent).map { "\($0)" }))
    }

    /// A group that is cancelled ends everything at once: what was not sent is not committed.
    @Test func cancellationLosesNothing() async throws {
        let broker = try EmbeddedBroker.start(topics: ["in": 4, "out": 4])
        defer { broker.stop() }
        let source = try Producer(.testing(broker, topic: "in"))
        try await source.produceBatch((0..<500).map { ProduceMessage(key: "k\($0 % 40)", value: "\($0)") })
        await source.close()
        let group = uniqueName("relay")

        let first = try Relay(broker, group: group)
        let cancelled = Task { try await first.group.run() }
        try await first.received.wait(forCount: 100)
        cancelled.cancel()
        _ = await cancelled.result

        let last = try Relay(broker, group: group, pause: .zero)
        let running = Task { try await last.group.run() }
        try await eventually("everything is committed") {
            let committed = try await ClusterInspector(brokers: broker.brokers)
                .committedOffsets(ofGroup: group, topic: "in")
            return committed.values.reduce(0, +) == 500
        }
        await last.group.triggerGracefulShutdown()
        try await running.value
        #expect(Set(try await values(of: "out", broker)) == Set((0..<500).map { "\($0)" }))
    }

    /// A handler that does not end holds the shutdown up until the drain deadline, and no longer.
    @Test func shutdownEndsByTheDeadline() async throws {
        let broker = try await EmbeddedBroker.withOrders([ProduceMessage(key: "k", value: "v")])
        defer { broker.stop() }
        var config = PartitionConsumerConfig.testing(broker, topic: "orders")
        config.processing.drainDeadline = .milliseconds(300)
        let busy = Collector<Bool>()
        let service = try PartitionConsumer(config).service { _ in
            busy.add(false)
            do {
                try await Task.sleep(for: .seconds(100))
            } catch {
                busy.add(true)
                throw error
            }
        }
        #expect("\(service)" == "partition-consumer(orders:0)")
        let group = ServiceGroup(services: [service], logger: testLogger)
        let running = Task { try await group.run() }
        try await busy.wait(forCount: 1)
        let start = ContinuousClock.now
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(busy.values == [false, true], "cancelled at the deadline")
        let duration = start.duration(to: .now)
        #expect(duration >= .milliseconds(300) && duration < .seconds(10))
    }

    @Test func producerEndsWhenItIsClosed() async throws {
        let producer = try Producer(
            ProducerConfig(brokers: [], defaultTopic: "orders"),
            transport: ScriptedTransport()
        )
        let running = Task { try await producer.run() }
        try await producer.produce(ProduceMessage(value: "x"))
        await producer.close()
        try await running.value
        try await producer.run()
    }

    @Test func producerDeliversWhatIsUnderWay() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in try await gate.pass() }
        let producer = try Producer(ProducerConfig(brokers: [], defaultTopic: "orders"), transport: transport)
        let group = ServiceGroup(services: [producer], logger: testLogger)
        let running = Task { try await group.run() }
        let future = try await producer.produceAsync(ProduceMessage(value: "x"))
        try await transport.sends.wait(forCount: 1)
        await group.triggerGracefulShutdown()
        try await eventually("no more messages are taken") {
            do {
                try await producer.produceAsync(ProduceMessage(value: "late"))
                return false
            } catch let error as ProducerError {
                return error.code == .closed
            }
        }
        gate.open()
        _ = try await future.value
        try await running.value
        #expect(transport.acknowledged.contains("x"))
    }

    /// A producer that can send nothing any more ends the group.
    @Test func fatalErrorEndsTheGroup() async throws {
        let fatal = KafkaError(
            code: KafkaError.Code(rawValue: -144),
            name: "_FENCED",
            text: "fenced",
            errorClass: .fatal,
            operation: "produce"
        )
        let producer = try Producer(
            ProducerConfig(brokers: [], defaultTopic: "orders", logger: testLogger),
            transport: ScriptedTransport { _, _ in throw fatal }
        )
        let group = ServiceGroup(services: [producer], logger: testLogger)
        let running = Task { try await group.run() }
        await #expect(throws: KafkaError.self) { try await producer.produce(ProduceMessage(value: "x")) }
        let error = await #expect(throws: KafkaError.self) { try await running.value }
        #expect(error == fatal)
    }
}
