import Foundation
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// What topics may hold, and what may happen to them.
@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(5)))
struct GroupConsumerTopicIntegrationTests {
    /// R5: aborted messages and the markers of transactions lie between the messages, and at the end.
    @Test(
        .enabled(if: TransactionalProducer.isThere, "no Python with confluent-kafka; name one in XKAFKA_PYTHON"),
        arguments: [IsolationLevel.readCommitted, .readUncommitted]
    )
    func transactionsAreReadToTheEnd(_ isolationLevel: IsolationLevel) async throws {
        try await RealCluster.withTopic(partitions: 2) { topic in
            try await TransactionalProducer.produce(topic)
            var config = RealCluster.group(RealCluster.uniqueName("group"), topic)
            config.isolationLevel = isolationLevel
            let seen = Collector<String>()
            let consumer = try GroupConsumer(config)
            let consuming = Task { try await consumer.consume { seen.add($0.value.map { String($0) } ?? "nil") } }
            let group = config.groupID
            let ends = try await RealCluster.inspector.endOffsets(of: topic)
            try await eventually("the frontier at the end") {
                try await RealCluster.inspector.committedOffsets(ofGroup: group, topic: topic) == ends
            }
            await consumer.close()
            let report = try await consuming.value
            let committed = (0..<6).filter { $0 % 2 == 0 }.flatMap { round in (0..<20).map { "\(round) \($0)" } }
            let all = (0..<6).flatMap { round in (0..<20).map { "\(round) \($0)" } }
            #expect(seen.values.sorted() == (isolationLevel == .readCommitted ? committed : all).sorted())
            #expect(report.toBeRepeated == 0 && report.returned == 0)
        }
    }

    /// A topic that is deleted and made anew under a group: what is new is read, from its start.
    @Test func topicMadeAnewIsReadFromItsStart() async throws {
        try await RealCluster.withTopic(partitions: 2) { topic in
            var config = RealCluster.group(RealCluster.uniqueName("group"), topic)
            config.librdkafkaProperties["topic.metadata.refresh.interval.ms"] = "500"
            config.processing.commitInterval = .milliseconds(100)
            let seen = Collector<String>()
            let consumer = try GroupConsumer(config)
            let consuming = Task { try await consumer.consume { seen.add($0.value.map { String($0) } ?? "") } }
            func send(_ name: String, _ count: Int) async throws {
                let producer = try RealCluster.producer(topic)
                try await producer.produceBatch(
                    (0..<count).map { ProduceMessage(key: "k\($0)", value: "\(name) \($0)", partition: Int32($0 % 2)) }
                )
                await producer.close()
            }
            try await send("old", 60)
            try await seen.wait(forCount: 60)
            try await RealCluster.inspector.deleteTopic(topic)
            try await eventually("the topic to be made anew") {
                do {
                    try await RealCluster.inspector.createTopic(topic, partitions: 2)
                    return true
                } catch is KafkaError {
                    return false
                }
            }
            try await send("new", 20)
            try await seen.wait(for: "the new messages") { Set($0.filter { $0.hasPrefix("new") }).count == 20 }
            await consumer.close()
            _ = try await consuming.value
            #expect(Set(seen.values).count == 80)
        }
    }
}

/// Transactions, which this library does not produce: through Python's confluent-kafka.
enum TransactionalProducer {
    private static let python: String? = {
        let named = ProcessInfo.processInfo.environment["XKAFKA_PYTHON"]
        return ([named].compactMap { $0 } + ["python3"]).first { candidate in
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [candidate, "-c", "import confluent_kafka"]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
    }()

    static var isThere: Bool { python != nil }

    /// Sends six transactions of 20 messages to both partitions; each other one is aborted, the last too.
    static func produce(_ topic: String) async throws {
        let script = """
            import sys, confluent_kafka
            producer = confluent_kafka.Producer(
                {"bootstrap.servers": sys.argv[1], "transactional.id": sys.argv[2], "linger.ms": 1})
            producer.init_transactions()
            for round in range(6):
                producer.begin_transaction()
                for number in range(20):
                    producer.produce(sys.argv[2], f"{round} {number}", key=f"k{number}", partition=number % 2)
                producer.flush()
                producer.commit_transaction() if round % 2 == 0 else producer.abort_transaction()
            """
        guard let python else { throw ProgramFailed(what: "no Python") }
        let brokers = RealCluster.brokers.joined(separator: ",")
        let output = try await runProgram(python, ["-c", script, brokers, topic])
        guard output.status == 0 else { throw ProgramFailed(what: output.standardError) }
    }
}
