public import GRDB
public import XKafka

extension PartitionConsumer {
    /// Handles messages, each within a write transaction that also notes the message as done: what the handler
    /// writes to the database is there exactly once, whenever the process stops.
    ///
    /// ```swift
    /// try await consumer.consume(in: store) { message, db in
    ///     try db.execute(sql: "UPDATE account SET balance = balance + 1 WHERE id = ?", arguments: [key])
    /// }
    /// ```
    ///
    /// Several messages that are ready at the same time share one transaction, each in a savepoint of its own: a
    /// handler that throws undoes what it wrote itself, and its message is tried again as usual. What a handler
    /// does elsewhere than in the database is done at least once, as always.
    ///
    /// - Parameters:
    ///   - store: the consumer's store, the one in its configuration.
    ///   - handler: what to do with a message. It runs on the database's writing thread and must not wait for
    ///     anything else; handlers and middleware of the configuration run before it, outside the transaction.
    /// - Returns: as ``/XKafka/PartitionConsumer/consume(_:)``.
    /// - Throws: as ``/XKafka/PartitionConsumer/consume(_:)``; `ConfigurationError` when `store` is not the store of
    ///   the configuration; ``/XKafkaConsume/ConsumerError`` with `alreadyConsuming` when the store is in such use already.
    @discardableResult
    public func consume(
        in store: SQLiteOffsetStore,
        _ handler: @escaping @Sendable (ConsumeContext, Database) throws -> Void
    ) async throws -> DrainReport {
        guard config.offsetStore as? SQLiteOffsetStore === store else {
            throw ConfigurationError(
                configuration: "PartitionConsumerConfig",
                problems: [.init(field: "offsetStore", value: "another one", rule: "must be the store to consume in")]
            )
        }
        let checkpoints = TransactionalCheckpoints(store)
        let transactions = TransactionQueue(checkpoints, handler)
        let report = try await store.transactionally {
            defer { transactions.end() }
            return try await consume(savingTo: checkpoints) { message in try await transactions.handle(message) }
        }
        guard let report else { throw ConsumerError(.alreadyConsuming) }
        return report
    }
}
