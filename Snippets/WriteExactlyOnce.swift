import GRDB
import XKafka
import XKafkaSQLite

let ledger = try SQLiteOffsetStore(path: "/var/lib/billing/ledger.sqlite")
let bookkeeper = try PartitionConsumer(
    PartitionConsumerConfig(brokers: ["127.0.0.1:9092"], topic: "orders", partitions: [0, 1, 2], offsetStore: ledger)
)
try await bookkeeper.consume(in: ledger) { message, db in
    guard let order = message.key.map({ String($0) }) else { return }
    try db.execute(sql: "INSERT INTO entry (account) VALUES (?)", arguments: [order])
}
