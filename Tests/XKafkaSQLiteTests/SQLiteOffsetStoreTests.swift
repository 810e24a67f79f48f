import Foundation
import GRDB
import Synchronization
import Testing
import XKafka
import XKafkaSQLite
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.timeLimit(.minutes(2))) struct SQLiteOffsetStoreTests {
    private struct Failure: Error {}

    private func withFolder(_ body: (URL) async throws -> Void) async throws {
        let name = "sqlite-\(UInt64.random(in: 0...UInt64.max))"
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(folder)
    }

    private func config(_ broker: EmbeddedBroker, _ store: SQLiteOffsetStore) -> PartitionConsumerConfig {
        var config = PartitionConsumerConfig.testing(broker, store)
        config.processing.retry = RetryConfig(initialBackoff: .milliseconds(2), maxBackoff: .milliseconds(20))
        return config
    }

    private func broker(_ count: Int, keys: Int) async throws -> EmbeddedBroker {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        let producer = try Producer(ProducerConfig(brokers: broker.brokers, defaultTopic: "orders"))
        try await producer.produceBatch((0..<count).map { ProduceMessage(key: "k\($0 % keys)", value: "\($0)") })
        await producer.close()
        return broker
    }

    @Test func keepsWhatTheConsumerReliesOn() async throws {
        try await withFolder { folder in
            let path = folder.appendingPathComponent("offsets.sqlite").path
            try await OffsetStoreConformance.check { try SQLiteOffsetStore(path: path) }
            // Another name, another consumer.
            let partition = TopicPartition(topic: "t", partition: 0)
            try await SQLiteOffsetStore(path: path, name: "a").save(3, for: partition)
            #expect(try await SQLiteOffsetStore(path: path, name: "b").load(partition) == nil)
        }
    }

    /// Consumers that start, save and stop while others do: whoever finds the file locked waits for it. (The last one
    /// to close the file locks it too, to clear up, and the next run of the same consumer may come in the middle of it.)
    @Test func storesWaitForEachOther() async throws {
        try await withFolder { folder in
            let path = folder.appendingPathComponent("offsets.sqlite").path
            let rounds = 20
            try await withThrowingTaskGroup(of: Void.self) { group in
                for consumer in 0..<8 {
                    group.addTask {
                        let partition = TopicPartition(topic: "t", partition: 0)
                        for round in 1...rounds {
                            let store = try SQLiteOffsetStore(path: path, name: "\(consumer)")
                            #expect(try await store.load(partition) ?? 0 == Int64(round - 1))
                            try await store.save(Int64(round), for: partition)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// Consumers that are started for the first time, all at once: each finds the file, or makes it.
    @Test func storesMayMakeTheFileTogether() async throws {
        try await withFolder { folder in
            for number in 0..<50 {
                let path = folder.appendingPathComponent("offsets\(number).sqlite").path
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for consumer in 0..<4 {
                        group.addTask {
                            let store = try SQLiteOffsetStore(path: path, name: "\(consumer)")
                            try await store.save(1, for: TopicPartition(topic: "t", partition: 0))
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test func foreignRowsAreReported() async throws {
        let database = try DatabaseQueue()
        let store = SQLiteOffsetStore(database)
        let partition = TopicPartition(topic: "t", partition: 0)
        try await store.save(3, for: partition)
        for change in ["completed = 'nonsense'", "next_offset = -1", "next_offset = 'x'", "completed = x'ff00'"] {
            try await store.save(3, for: partition)
            try await database.write { try $0.execute(sql: "UPDATE xkafka_checkpoint SET \(change)") }
            await #expect(throws: SQLiteOffsetStoreError.self, "\(change)") { try await store.load(partition) }
        }
    }

    /// Rows and checkpoint go together: handlers that fail, and transactions that fail as a whole, leave nothing.
    @Test func effectsAreThereExactlyOnce() async throws {
        let broker = try await broker(1_000, keys: 40)
        defer { broker.stop() }
        try await withFolder { folder in
            let database = try DatabasePool(path: folder.appendingPathComponent("ledger.sqlite").path)
            try await database.write { try $0.execute(sql: "CREATE TABLE effect (message INTEGER NOT NULL)") }
            let store = SQLiteOffsetStore(database)
            let partition = TopicPartition(topic: "orders", partition: 0)
            // Several runs, each stopped somewhere in the middle.
            for limit in [100, 350, 600, 1_000] {
                let consumer = try PartitionConsumer(config(broker, store))
                let consuming = Task {
                    try await consumer.consume(in: store) { message, db in
                        try db.execute(sql: "INSERT INTO effect VALUES (?)", arguments: [message.offset])
                        // Written, and undone.
                        if message.offset % 7 == 0, message.attempt == 1 { throw Failure() }
                    }
                }
                try await eventually("\(limit) effects") {
                    try await database.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM effect") } ?? 0 >= limit
                }
                consuming.cancel()
                _ = try await consuming.value
                // What the database says is done, and what it holds, is the same.
                let effects = try await database.read {
                    try Int64.fetchAll($0, sql: "SELECT message FROM effect ORDER BY message")
                }
                let done = try #require(try await store.loadCheckpoint(partition))
                let told = Array(0..<done.nextOffset) + done.completed.flatMap { Array($0) }
                #expect(effects == told)
            }
            #expect(try await store.loadCheckpoint(partition) == Checkpoint(nextOffset: 1_000))
        }
    }

    @Test func othersStoresAreRefused() async throws {
        let store = SQLiteOffsetStore(try DatabaseQueue())
        let consumer = try PartitionConsumer(PartitionConsumerConfig(brokers: ["127.0.0.1:1"], topic: "t"))
        await #expect(throws: ConfigurationError.self) { _ = try await consumer.consume(in: store) { _, _ in } }
    }
}
