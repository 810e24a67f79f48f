import Foundation
import Synchronization
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.enabled(if: RealCluster.isThere, "XKAFKA_BROKERS names no cluster"), .timeLimit(.minutes(3)))
struct ProducerIntegrationTests {
    @Test func kcatReadsWhatWasProduced() async throws {
        try await RealCluster.withTopic(partitions: 1) { topic in
            let producer = try RealCluster.producer(topic)
            try await producer.produce(
                ProduceMessage(key: "k", value: "v", headers: ["a": "1", "a": nil], timestamp: 1_700_000_000_123)
            )
            let tombstone = try await producer.produce(ProduceMessage(key: "k"))
            #expect(tombstone.offset == 1)
            #expect(tombstone.timestamp != nil)
            let results = try await producer.produceBatch((0..<20_000).map { ProduceMessage(key: "k", value: "\($0)") })
            #expect(results.map(\.offset) == (2..<20_002).map { Int64($0) })
            await producer.close()
            let read = try await Kcat.run([
                "-C", "-b", RealCluster.brokers.joined(separator: ","), "-t", topic, "-e", "-q", "-f",
                "%K:%k|%S:%s|%h|%T\\n",
            ])
            #expect(read.lines.count == 20_002)
            #expect(read.lines.first == "1:k|1:v|a=1,a=NULL|1700000000123")
            #expect(read.lines.dropFirst().first?.hasPrefix("1:k|-1:|") == true)
        }
    }

    @Test func messagesThatAreTooLargeFailAtOnce() async throws {
        try await RealCluster.withTopic(partitions: 1) { topic in
            var config = ProducerConfig(brokers: RealCluster.brokers, defaultTopic: topic, logger: RealCluster.logger)
            // The client lets it pass; the broker does not.
            config.maxMessageBytes = 20_000_000
            let producer = try Producer(config)
            let large = MessageBytes(repeatElement(7, count: 3_000_000))
            let error = await #expect(throws: KafkaError.self) {
                try await producer.produce(ProduceMessage(value: large))
            }
            #expect(error?.code == .messageTooLarge)
            await producer.close()
        }
    }

    /// Requests that time out and are sent again: no loss, nothing twice, in order.
    @Test(arguments: [ProducerDispatchConfig.Mode.serial, .keySharded])
    func orderSurvivesRequestTimeouts(mode: ProducerDispatchConfig.Mode) async throws {
        try await RealCluster.withTopic(partitions: 6) { topic in
            var config = ProducerConfig(brokers: RealCluster.brokers, defaultTopic: topic, logger: RealCluster.logger)
            config.dispatch.mode = mode
            config.linger = .milliseconds(1)
            // So short that some answers are late.
            config.librdkafkaProperties = ["request.timeout.ms": "10", "socket.timeout.ms": "1000"]
            try await Self.sendAndCheck(config, topic, count: 100_000) {}
        }
    }

    /// Sends numbered messages while something happens, and reads the log back with kcat.
    static func sendAndCheck(
        _ config: ProducerConfig,
        _ topic: String,
        count: Int,
        while happening: @escaping @Sendable () async throws -> Void
    ) async throws {
        let keys = 100
        let producer = try Producer(config)
        let failures = Mutex<[String]>([])
        var disturbance: Task<Void, any Error>?
        for number in 0..<count {
            if number == count / 10 { disturbance = Task { try await happening() } }
            let message = ProduceMessage(key: "\(number % keys)", value: "\(number)")
            try await producer.produceAsync(message) { outcome in
                if case .failure(let error) = outcome { failures.withLock { $0.append("\(number): \(error)") } }
            }
            if number % 200 == 0 { try await Task.sleep(for: .milliseconds(2)) }
        }
        try await disturbance?.value
        try await producer.flush(deadline: .seconds(90))
        await producer.close()
        #expect(failures.withLock { $0 }.isEmpty, "\(failures.withLock { $0 }.prefix(3))")

        let read = try await Kcat.run([
            "-C", "-b", RealCluster.brokers.joined(separator: ","), "-t", topic, "-e", "-q", "-f", "%p %s\\n",
        ])
        var numbers: [Int] = []
        var lastOfPartition: [Substring: Int] = [:]
        var lastOfKey: [Int: Int] = [:]
        for line in read.lines {
            let parts = line.split(separator: " ")
            let number = try #require(Int(parts[1]))
            numbers.append(number)
            if config.dispatch.mode == .serial {
                #expect(lastOfPartition[parts[0]] ?? -1 < number, "partition \(parts[0])")
                lastOfPartition[parts[0]] = number
            }
            #expect(lastOfKey[number % keys] ?? -1 < number, "key \(number % keys)")
            lastOfKey[number % keys] = number
        }
        #expect(numbers.count == count, "nothing lost, nothing twice")
        #expect(Set(numbers) == Set(0..<count))
    }
}
