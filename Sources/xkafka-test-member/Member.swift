import GRDB
import XKafka
import XKafkaSQLite
import XKafkaTestingInternal

/// The consumer of the process: of a group, or of one partition with a store.
enum Member {
    case group(GroupConsumer)
    case partition(PartitionConsumer)
    case transactions(PartitionConsumer, SQLiteOffsetStore)

    /// - Parameters:
    ///   - ledger: is told what a group takes away although handlers were busy with it.
    ///   - work: what a handler does with a message before it counts as done.
    init(
        _ options: MemberOptions,
        _ ledger: Ledger,
        _ work: @escaping @Sendable (ConsumeContext, ConsumeFunction) async throws -> Void
    ) throws {
        let handlers: [any ConsumeHandler] = [ConsumeMiddleware(work)]
        guard let partition = options.partition else {
            var config = options.groupConfig
            config.handlers = handlers
            config.onLost = { partitions in
                for partition in partitions { ledger.write(LedgerLine(.lost, partition: partition.partition)) }
            }
            config.onRevoked = { _, report in
                for place in report.abandoned {
                    ledger.write(
                        LedgerLine(.abandoned, partition: place.topicPartition.partition, offset: place.offset)
                    )
                }
            }
            self = .group(try GroupConsumer(config))
            return
        }
        let database = try options.database.map { try SQLiteOffsetStore(path: $0) }
        let file: any OffsetStore = options.offsetsFile.map { FileOffsetStore(path: $0) } ?? MemoryOffsetStore()
        var config = options.partitionConfig(partition, database ?? file)
        config.handlers = handlers
        let consumer = try PartitionConsumer(config)
        self = database.map { .transactions(consumer, $0) } ?? .partition(consumer)
    }

    func consume() async throws -> DrainReport {
        switch self {
        case .group(let consumer): try await consumer.consume { _ in }
        case .partition(let consumer): try await consumer.consume { _ in }
        case .transactions(let consumer, let store):
            try await consumer.consume(in: store) { message, db in
                try db.execute(sql: "INSERT INTO effect VALUES (?)", arguments: [message.offset])
            }
        }
    }

    func close() async {
        switch self {
        case .group(let consumer): await consumer.close()
        case .partition(let consumer), .transactions(let consumer, _): await consumer.close()
        }
    }
}
