import Foundation
import Testing
import XKafka
import XKafkaSQLite
import XKafkaTesting
import XKafkaTestingInternal

/// Stopping in the middle and going on, with each kind of store.
@Suite(.timeLimit(.minutes(2))) struct ResumeTests {
    enum Kind: CaseIterable {
        case memory
        case file
        case sqlite
        /// One that keeps the offset alone.
        case offsets
    }

    private struct OffsetsAlone: OffsetStore {
        let store = MemoryOffsetStore()

        func load(_ partition: TopicPartition) async throws -> Int64? { try await store.load(partition) }

        func save(_ nextOffset: Int64, for partition: TopicPartition) async throws {
            try await store.save(nextOffset, for: partition)
        }
    }

    @Test(arguments: Kind.allCases)
    func goesOnWhereItWas(_ kind: Kind) async throws {
        let total = 2_000
        let broker = try await EmbeddedBroker.withOrders(
            partitions: 2,
            (0..<total).map { ProduceMessage(key: "k\($0 % 100)", value: "\($0)") }
        )
        defer { broker.stop() }
        let memory = MemoryOffsetStore()
        let offsets = OffsetsAlone()
        try await MemberProcess.withFolder { folder in
            let path = folder.appendingPathComponent("offsets").path
            // Opened anew each time, as after a restart, where that is possible.
            func open() throws -> any OffsetStore {
                switch kind {
                case .memory: memory
                case .file: FileOffsetStore(path: path)
                case .sqlite: try SQLiteOffsetStore(path: path)
                case .offsets: offsets
                }
            }
            let ledger = HandlerLedger()
            var repeated = 0
            for goal in [300, 900, 1_400, total] {
                var config = PartitionConsumerConfig.testing(broker, topic: "orders", store: try open())
                config.partitions = [0, 1]
                config.processing.commitInterval = .milliseconds(10)
                let report = try await running(
                    try PartitionConsumer(config),
                    { message in
                        try await ledger.handle(message) {
                            try await Task.sleep(for: .microseconds(Int.random(in: 0...3_000)))
                        }
                    },
                    while: { try await eventually("\(goal) messages") { ledger.doneCount >= goal } }
                )
                #expect(report.commitError == nil)
                #expect(report.cancelled.isEmpty && report.abandoned.isEmpty)
                if kind != .offsets { #expect(report.toBeRepeated == 0) }
                repeated += report.toBeRepeated
            }
            #expect(ledger.doneCount == total, "nothing is lost (R1)")
            #expect(ledger.duplicates == repeated, "what is done twice was reported to be")
            let store = try open()
            let ends = try await ClusterInspector(brokers: broker.brokers).endOffsets(of: "orders")
            for (partition, end) in ends {
                #expect(try await store.load(TopicPartition(topic: "orders", partition: partition)) == end)
            }
        }
    }
}
