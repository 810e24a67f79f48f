import Dispatch
import Foundation
import GRDB
import Testing
import XKafka
import XKafkaSQLite
import XKafkaTesting
import XKafkaTestingInternal

/// Transactions and saves that come when `consume` has ended already: no effect is there twice for that.
@Suite(.timeLimit(.minutes(2))) struct LateTransactionTests {
    private static let partition = TopicPartition(topic: "orders", partition: 0)

    private struct Ground {
        let broker: EmbeddedBroker
        let database: DatabaseQueue
        let store: SQLiteOffsetStore

        init() async throws {
            broker = try EmbeddedBroker.start(topics: ["orders": 1])
            database = try DatabaseQueue()
            store = SQLiteOffsetStore(database)
            try await database.write { try $0.execute(sql: "CREATE TABLE effect (message INTEGER NOT NULL)") }
        }

        var config: PartitionConsumerConfig {
            var config = PartitionConsumerConfig.testing(broker, store)
            config.processing.drainDeadline = .milliseconds(50)
            return config
        }

        func send(_ count: Int) async throws {
            let producer = try Producer(ProducerConfig(brokers: broker.brokers, defaultTopic: "orders"))
            for number in 0..<count { try await producer.produce(ProduceMessage(key: "k\(number)", value: "x")) }
            await producer.close()
        }

        func effects() async throws -> [Int64] {
            try await database.read { try Int64.fetchAll($0, sql: "SELECT message FROM effect ORDER BY message") }
        }
    }

    private func note(_ message: ConsumeContext, _ db: Database) throws {
        try db.execute(sql: "INSERT INTO effect VALUES (?)", arguments: [message.offset])
    }

    /// Somebody keeps the database until long after the end. Then a transaction is written, and behind it the
    /// consumer's last save, which knows nothing of it.
    @Test func lateSaveForgetsNoTransaction() async throws {
        let ground = try await Ground()
        defer { ground.broker.stop() }
        let database = ground.database
        var config = ground.config
        // Only the first progress is saved, and the last.
        config.processing.commitInterval = .seconds(3_600)
        let isOnItsWay = OneShot<Void>()
        config.handlers = [
            ConsumeMiddleware { message, next in
                if message.offset == 2 { isOnItsWay.resolve(()) }
                try await next(message)
            }
        ]
        let consumer = try PartitionConsumer(config)
        let consuming = Task { try await consumer.consume(in: ground.store) { try note($0, $1) } }
        for number in 1...2 {
            try await ground.send(1)
            try await eventually("message \(number)") { try await ground.effects().count == number }
        }
        let isHeld = OneShot<Void>()
        let release = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            database.inDatabase { _ in
                isHeld.resolve(())
                release.wait()
            }
        }
        await isHeld.waitIgnoringCancellation()
        try await ground.send(1)
        await isOnItsWay.waitIgnoringCancellation()
        consuming.cancel()
        let report = try await consuming.value
        release.signal()
        #expect(report.abandoned.map(\.offset) == [2])
        #expect((report.commitError as? ConsumerError)?.code == .commitTimedOut)

        // It begins when the save has been answered.
        let again = Task { try await consumer.consume(in: ground.store) { try note($0, $1) } }
        try await ground.send(1)
        try await eventually("the message after it") { try await ground.effects().contains(3) }
        again.cancel()
        _ = try await again.value
        #expect(try await ground.effects() == [0, 1, 2, 3])
        #expect(try await ground.store.loadCheckpoint(Self.partition) == Checkpoint(nextOffset: 4))
    }

    /// A handler that was given up writes nothing later: its message is the next run's.
    @Test func handlersThatWereGivenUpHaveNoEffect() async throws {
        let ground = try await Ground()
        defer { ground.broker.stop() }
        var config = ground.config
        let isBusy = OneShot<Void>()
        let release = OneShot<Void>()
        let late = Collector<String>()
        config.handlers = [
            ConsumeMiddleware { message, next in
                isBusy.resolve(())
                await release.waitIgnoringCancellation()
                do {
                    try await next(message)
                    late.add("done")
                } catch {
                    late.add("\(error)")
                    throw error
                }
            }
        ]
        let first = try PartitionConsumer(config)
        let consuming = Task { try await first.consume(in: ground.store) { try note($0, $1) } }
        try await ground.send(1)
        await isBusy.waitIgnoringCancellation()
        consuming.cancel()
        #expect(try await consuming.value.abandoned.count == 1)
        release.resolve(())
        try await late.wait(forCount: 1)
        #expect(late.values == ["\(CancellationError())"])
        #expect(try await ground.effects() == [])

        let second = try PartitionConsumer(config)
        let again = Task { try await second.consume(in: ground.store) { try note($0, $1) } }
        try await late.wait(forCount: 2)
        again.cancel()
        _ = try await again.value
        #expect(try await ground.effects() == [0])
    }
}
