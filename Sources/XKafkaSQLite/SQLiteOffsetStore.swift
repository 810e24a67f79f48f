import Foundation
public import GRDB
import Synchronization
public import XKafka

/// Keeps checkpoints in an SQLite database, alone or beside your own tables.
///
/// As the store of any ``/XKafka/PartitionConsumer`` it keeps checkpoints like every other store, and messages are
/// handled at least once. With ``XKafka/PartitionConsumer/consume(in:_:)`` a handler writes to the same database,
/// and its rows and the note that its message is done become durable together, or not at all: the effects of
/// each message are there exactly once, whenever the process stops.
///
/// ```swift
/// let store = try SQLiteOffsetStore(path: "ledger.sqlite")
/// ```
public final class SQLiteOffsetStore: CheckpointStore {
    /// The table that the store makes in the database: `xkafka_checkpoint`.
    public static let tableName = "xkafka_checkpoint"

    /// Tells the checkpoints of different consumers apart that share a database.
    public let name: String

    /// The database, for tables of your own. It has to stay open for as long as the store is used; a handler of
    /// ``XKafka/PartitionConsumer/consume(in:_:)`` writes to the `Database` that it is given and not through this.
    public let database: any DatabaseWriter
    private let state = Mutex(State())

    private struct State {
        var hasTable = false
        /// Whether handlers write transactions.
        var isTransactional = false
    }

    /// A store in a database of yours. The table is made at the first use.
    ///
    /// - Parameters:
    ///   - database: a `DatabasePool` or a `DatabaseQueue`. It stays yours. When other connections write to the same
    ///     file, give its configuration a `busyMode` of some seconds: without, GRDB fails at once with `SQLITE_BUSY`
    ///     while another connection has the file locked.
    ///   - name: tells this consumer's checkpoints from others' in the same database. Default `default`.
    public init(_ database: any DatabaseWriter, name: String = "default") {
        self.database = database
        self.name = name
    }

    /// A store in the database file at `path`, which is created when it is not there.
    ///
    /// The file may be shared with other consumers and programs: while another connection has it locked, this one
    /// waits up to three seconds, here and whenever it reads and writes.
    ///
    /// - Throws: GRDB's `DatabaseError` when the file cannot be opened or is no database.
    public convenience init(path: String, name: String = "default") throws {
        self.init(try Self.pool(path), name: name)
    }

    /// How long to wait for others. Less than consumers try to save their last checkpoint for when they end.
    private static let lockTimeout = 3.0

    private static func pool(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(lockTimeout)
        let deadline = ContinuousClock.now + .seconds(lockTimeout)
        while true {
            do {
                return try DatabasePool(path: path, configuration: configuration)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY && deadline > .now {
                // Two that make the same file get into each other's way in changing its journal, for which SQLite itself
                // does not wait. As it does otherwise, a little later again.
                Thread.sleep(forTimeInterval: 0.005)
            }
        }
    }

    /// The checkpoint of `partition`, or `nil` when none was saved.
    ///
    /// - Throws: GRDB's `DatabaseError`; ``SQLiteOffsetStoreError`` when the row makes no sense.
    public func loadCheckpoint(_ partition: TopicPartition) async throws -> Checkpoint? {
        try await database.write { [self] db in
            try makeTable(db)
            return try row(of: partition, db)
        }
    }

    /// Keeps `checkpoint`. Returns when it is durable, as the database is configured.
    ///
    /// - Throws: GRDB's `DatabaseError`.
    public func save(_ checkpoint: Checkpoint, for partition: TopicPartition) async throws {
        try await database.write { [self] db in
            try makeTable(db)
            try write(checkpoint, of: partition, db)
        }
    }

    /// Runs `body` while handlers write transactions. `nil` when they do already.
    func transactionally<Result>(_ body: () async throws -> Result) async throws -> Result? {
        let mayBegin = state.withLock { state in
            defer { state.isTransactional = true }
            return !state.isTransactional
        }
        guard mayBegin else { return nil }
        defer { state.withLock { $0.isTransactional = false } }
        return try await body()
    }

    // MARK: Rows

    private func makeTable(_ db: Database) throws {
        guard !state.withLock({ $0.hasTable }) else { return }
        try db.execute(
            sql: """
                CREATE TABLE IF NOT EXISTS \(Self.tableName) (
                    consumer TEXT NOT NULL,
                    topic TEXT NOT NULL,
                    partition INTEGER NOT NULL,
                    next_offset INTEGER NOT NULL,
                    completed TEXT NOT NULL,
                    PRIMARY KEY (consumer, topic, partition)
                ) WITHOUT ROWID
                """
        )
        // Only once the transaction is durable; until then it is made again, which does no harm.
        db.afterNextTransaction { [self] _ in state.withLock { $0.hasTable = true } }
    }

    func row(of partition: TopicPartition, _ db: Database) throws -> Checkpoint? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT next_offset, completed FROM \(Self.tableName)
                WHERE consumer = ? AND topic = ? AND partition = ?
                """,
            arguments: [name, partition.topic, partition.partition]
        )
        guard let row else { return nil }
        guard let offset = Int64.fromDatabaseValue(row[0]), let text = String.fromDatabaseValue(row[1]),
            let checkpoint = Checkpoint(nextOffset: offset, completedText: text)
        else { throw SQLiteOffsetStoreError(partition: partition) }
        return checkpoint
    }

    func write(_ checkpoint: Checkpoint, of partition: TopicPartition, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO \(Self.tableName) VALUES (?, ?, ?, ?, ?)",
            arguments: [
                name, partition.topic, partition.partition, checkpoint.nextOffset, checkpoint.completedText,
            ]
        )
    }
}

/// The row of a partition's checkpoint holds something that this library did not write.
public struct SQLiteOffsetStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The partition.
    public let partition: TopicPartition

    /// Which row it is, and what to do about it.
    public var description: String {
        "the checkpoint of \(partition) in \(SQLiteOffsetStore.tableName) makes no sense; restore the row, or delete it "
            + "to start without"
    }
}
