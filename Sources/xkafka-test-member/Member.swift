import GRDB
import XKafka
import XKafkaSQLite

/// The consumer of the process: of a group, or of one partition with a store.
enum Member {
    case group(GroupConsumer)
    case partition(PartitionConsumer)
    case transactions(PartitionConsumer, SQLiteOffsetStore)

    /// - Parameter work: what a handler does with a message before it counts as done.
    init(_ options: MemberOptions, _ work: @escaping @Sendable (ConsumeContext, ConsumeFunction) async throws -> Void)
        throws
    {
        let handlers: [any ConsumeHandler] = [ConsumeMiddleware(work)]
        guard let partition = options.partition else {
            var config = options.groupConfig
            config.handlers = handlers
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
