import GRDB
import Synchronization
import Testing
import XKafka
import XKafkaSQLite
import XKafkaTesting
import XKafkaTestingInternal

/// A log that was made anew, or cut, under a database that remembers an older one.
@Suite(.timeLimit(.minutes(2))) struct LogResetTests {
    private struct Effect: Hashable {
        let offset: Int64
        let epoch: Int64
    }

    private static let partition = TopicPartition(topic: "orders", partition: 0)

    private func broker(_ count: Int, keys: Int) async throws -> EmbeddedBroker {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        try await send(count, keys: keys, to: broker)
        return broker
    }

    private func send(_ count: Int, keys: Int, size: Int = 1, to broker: EmbeddedBroker) async throws {
        var config = ProducerConfig(brokers: broker.brokers, defaultTopic: "orders")
        // The embedded broker forgets by whole batches.
        if size > 1 { config.batchMessages = 1 }
        let producer = try Producer(config)
        let value = MessageBytes(repeatElement(UInt8(ascii: "x"), count: size))
        try await producer.produceBatch((0..<count).map { ProduceMessage(key: "k\($0 % keys)", value: value) })
        await producer.close()
    }

    private func config(_ broker: EmbeddedBroker, _ store: SQLiteOffsetStore) -> PartitionConsumerConfig {
        var config = PartitionConsumerConfig.testing(broker, store)
        config.processing.commitInterval = .milliseconds(5)
        return config
    }

    private func store() async throws -> SQLiteOffsetStore {
        let database = try DatabaseQueue()
        try await database.write {
            try $0.execute(sql: "CREATE TABLE effect (message INTEGER NOT NULL, epoch INTEGER NOT NULL)")
        }
        return SQLiteOffsetStore(database)
    }

    private func effects(_ store: SQLiteOffsetStore) async throws -> [Effect] {
        try await store.database.read {
            try Row.fetchAll($0, sql: "SELECT message, epoch FROM effect ORDER BY message").map {
                Effect(offset: $0[0], epoch: $0[1])
            }
        }
    }

    private func note(_ message: ConsumeContext, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO effect VALUES (?, ?)",
            arguments: [message.offset, Int64(message.assignmentEpoch)]
        )
    }

    // MARK: Before consuming

    /// The checkpoint lies behind the end of the log: its offsets mean other messages, and none is taken for one
    /// that is done. With `latest` that is what comes from now on, with `fail` nothing.
    @Test(arguments: [OutOfRangePolicy.earliest, .latest, .fail])
    func checkpointBehindTheEnd(policy: OutOfRangePolicy) async throws {
        let broker = try await broker(20, keys: 5)
        defer { broker.stop() }
        let store = try await store()
        let checkpoint = Checkpoint(nextOffset: 500, completed: [510..<520])
        try await store.save(checkpoint, for: Self.partition)
        var config = config(broker, store)
        config.outOfRange = policy
        let consumer = try PartitionConsumer(config)
        let consuming = Task { try await consumer.consume(in: store) { try note($0, $1) } }
        defer { consuming.cancel() }
        switch policy {
        case .fail:
            let error = await #expect(throws: ConsumerError.self) {
                try await withDeadline(.seconds(30), "the error") { try await consuming.value }
            }
            #expect(error?.code == .offsetOutOfRange)
            #expect(try await effects(store).isEmpty)
            #expect(try await store.loadCheckpoint(Self.partition) == checkpoint, "nothing is forgotten")
        case .earliest:
            try await eventually("all effects") { try await effects(store).count == 20 }
            consuming.cancel()
            _ = try await consuming.value
            let offsets = try await effects(store).map(\.offset)
            #expect(offsets == Array(0..<20))
            #expect(try await store.loadCheckpoint(Self.partition) == Checkpoint(nextOffset: 20))
        default:
            // Reading has started when a message that comes now is seen.
            try await eventually("a new message") {
                try await send(1, keys: 1, to: broker)
                return try await !effects(store).isEmpty
            }
            consuming.cancel()
            _ = try await consuming.value
            let offsets = try await effects(store).map(\.offset)
            let first = try #require(offsets.first)
            #expect(first >= 20)
            #expect(offsets == Array(first..<(first + Int64(offsets.count))))
            let end = Checkpoint(nextOffset: first + Int64(offsets.count))
            #expect(try await store.loadCheckpoint(Self.partition) == end)
        }
    }

    /// Retention has overtaken the checkpoint: reading goes on further up, in the same log, and what was done there
    /// is not done again.
    @Test func checkpointBeforeTheStart() async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1])
        defer { broker.stop() }
        // More than the 5 MiB that the embedded broker keeps.
        try await send(80, keys: 5, size: 100_000, to: broker)
        let store = try await store()
        try await store.save(Checkpoint(nextOffset: 2, completed: [5..<7, 60..<70]), for: Self.partition)
        var config = config(broker, store)
        config.end = .untilEnd
        let consumer = try PartitionConsumer(config)
        try await withDeadline(.seconds(30), "the end") {
            _ = try await consumer.consume(in: store) { try note($0, $1) }
        }
        let offsets = try await effects(store).map(\.offset)
        let first = try #require(offsets.first)
        #expect(first > 7 && first < 60, "the log begins at \(first)")
        #expect(offsets == (first..<80).filter { !(60..<70).contains($0) })
        #expect(try await store.loadCheckpoint(Self.partition) == Checkpoint(nextOffset: 80))
    }

    // MARK: While consuming

    /// The broker says that the offset is out of range, and reading begins anew: every message of the log has its
    /// effect once more, and a handler of before that still runs has none.
    @Test func logIsResetWhileHandlersRun() async throws {
        let broker = try await broker(200, keys: 10)
        defer { broker.stop() }
        let store = try await store()
        let release = OneShot<Void>()
        var config = config(broker, store)
        config.start = .offset(100)
        let first = Mutex<UInt64?>(nil)
        let waiting = Collector<Int64>()
        config.handlers = [
            ConsumeMiddleware { message, next in
                let epoch = first.withLock { first in
                    first = first ?? message.assignmentEpoch
                    return first
                }
                if message.assignmentEpoch == epoch, message.offset == 100 {
                    waiting.add(message.offset)
                    await release.waitIgnoringCancellation()
                }
                try await next(message)
            }
        ]
        let consumer = try PartitionConsumer(config)
        let consuming = Task { try await consumer.consume(in: store) { try note($0, $1) } }
        defer { consuming.cancel() }
        try await waiting.wait(forCount: 1)
        try await eventually("the other keys") { try await effects(store).count == 90 }
        let epoch = Int64(first.withLock { $0 } ?? 0)

        try broker.inject(.fail(.fetch, with: .offsetOutOfRange))
        // Key 0 waits for its handler of before (R2).
        try await eventually("the other keys once more") {
            try await effects(store).count { $0.epoch > epoch } == 180
        }
        release.resolve(())
        try await eventually("all keys") { try await effects(store).count { $0.epoch > epoch } == 200 }
        consuming.cancel()
        let report = try await consuming.value
        #expect(report.abandoned.map(\.offset) == [100])
        let all = try await effects(store)
        #expect(all.filter { $0.epoch > epoch }.map(\.offset) == Array(0..<200))
        #expect(all.filter { $0.epoch == epoch }.map(\.offset) == (100..<200).filter { $0 % 10 != 0 })
        #expect(try await store.loadCheckpoint(Self.partition) == Checkpoint(nextOffset: 200))
    }

    // MARK: The rules by themselves

    private func message(_ offset: Int64, _ source: MessageSource) -> ConsumeContext {
        source.noteDelivered(offset)
        let message = OwnedMessageStorage.message(
            source: source,
            offset: offset,
            timestamp: nil,
            key: nil,
            value: nil,
            headers: [:]
        )
        return ConsumeContext(message, logicalKey: "k", shard: 0, attempt: 1, receivedAt: .now)
    }

    /// Messages of an old and of a new log in one transaction do not mix.
    @Test func oneTransactionMayHoldMessagesOfTwoLogs() async throws {
        let store = try await store()
        try await store.save(Checkpoint(nextOffset: 100), for: Self.partition)
        let checkpoints = TransactionalCheckpoints(store)
        _ = try await checkpoints.loadCheckpoint(Self.partition)
        let old = MessageSource(topicPartition: Self.partition, epoch: 1)
        let new = MessageSource(topicPartition: Self.partition, epoch: 2)
        let messages = (message(100, old), message(0, new), message(105, old), message(1, new))
        try await store.database.write { db in
            var progress = try #require(try checkpoints.progress(before: messages.0, nil, db))
            #expect(progress.contains(99) && !progress.contains(100))
            progress.add(100)
            progress = try #require(try checkpoints.progress(before: messages.1, progress, db))
            #expect(!progress.contains(0), "it is another message")
            progress.add(0)
            let gone = try checkpoints.progress(before: messages.2, progress, db)
            #expect(gone == nil, "its log is gone")
            progress = try #require(try checkpoints.progress(before: messages.3, progress, db))
            #expect(progress.contains(0) && !progress.contains(1))
            try checkpoints.write([Self.partition: progress], db)
        }
        #expect(try await store.loadCheckpoint(Self.partition) == Checkpoint(nextOffset: 1))
        // And in a transaction of its own.
        try await store.database.write { db in
            let gone = try checkpoints.progress(before: messages.2, nil, db)
            #expect(gone == nil)
            let known = try checkpoints.progress(before: messages.3, nil, db)
            #expect(known?.contains(0) == true)
        }
    }

    /// What the consumer saves of the old log, late, says nothing of the new one.
    @Test func lateSaveOfTheOldLogIsIgnored() async throws {
        let store = try await store()
        let checkpoints = TransactionalCheckpoints(store)
        _ = try await checkpoints.loadCheckpoint(Self.partition)
        func save(_ checkpoint: Checkpoint, _ epoch: UInt64) async throws -> Checkpoint? {
            try await checkpoints.save(checkpoint, for: Self.partition, assignmentEpoch: epoch)
            return try await store.loadCheckpoint(Self.partition)
        }
        let old = Checkpoint(nextOffset: 500, completed: [510..<520])
        #expect(try await save(old, 1) == old)
        // Within a log, what the rows and the consumer know is put together, and never shrinks.
        #expect(
            try await save(Checkpoint(nextOffset: 400, completed: [505..<511]), 1)
                == Checkpoint(nextOffset: 500, completed: [505..<520])
        )
        let new = message(3, MessageSource(topicPartition: Self.partition, epoch: 2))
        try await store.database.write { db in
            var progress = try #require(try checkpoints.progress(before: new, nil, db))
            progress.add(3)
            try checkpoints.write([Self.partition: progress], db)
        }
        #expect(try await save(old, 1) == Checkpoint(nextOffset: 4))
        #expect(try await save(Checkpoint(nextOffset: 6), 2) == Checkpoint(nextOffset: 6))
        #expect(try await save(Checkpoint(nextOffset: 2), 3) == Checkpoint(nextOffset: 2), "a third log")
    }

    /// A checkpoint below the one that was loaded is of another log, whoever tells of it first.
    @Test func saveBelowTheLoadedCheckpointIsOfAnotherLog() async throws {
        let store = try await store()
        try await store.save(Checkpoint(nextOffset: 500, completed: [510..<520]), for: Self.partition)
        let checkpoints = TransactionalCheckpoints(store)
        _ = try await checkpoints.loadCheckpoint(Self.partition)
        try await checkpoints.save(Checkpoint(nextOffset: 7), for: Self.partition, assignmentEpoch: 1)
        #expect(try await store.loadCheckpoint(Self.partition) == Checkpoint(nextOffset: 7))
        let message = message(512, MessageSource(topicPartition: Self.partition, epoch: 1))
        try await store.database.write { db in
            let progress = try checkpoints.progress(before: message, nil, db)
            #expect(progress?.contains(512) == false)
        }
    }
}
