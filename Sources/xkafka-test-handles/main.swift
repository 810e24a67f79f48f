import Foundation
import Logging
import Synchronization
import XKafka

// Makes consumers and producers and closes them, again and again, and tells what the process holds in the end: for the
// tests, in a process of its own because others open files and threads as well.
//
//     xkafka-test-handles BROKERS TOPIC ROUNDS

struct Wrong: Error, CustomStringConvertible {
    let description: String
}

/// Makes one, uses it, and closes it. Which one goes by the number.
@Sendable func round(_ number: Int, brokers: [String], topic: String) async throws {
    switch number % 3 {
    case 0:
        var config = GroupConsumerConfig(brokers: brokers, groupID: "handles-\(number)", topics: [topic])
        config.logger.logLevel = .critical
        let consumer = try GroupConsumer(config)
        // Ended while it joins: the embedded broker takes seconds over that.
        let consuming = Task { try await consumer.consume { _ in } }
        try await Task.sleep(for: .milliseconds(20))
        await consumer.close()
        _ = try await consuming.value
    case 1:
        var config = PartitionConsumerConfig(brokers: brokers, topic: topic)
        config.end = .untilEnd
        config.logger.logLevel = .critical
        config.librdkafkaProperties = ["fetch.wait.max.ms": "10"]
        // Kept beyond the end of their consumer, which keeps its batches, and the client, alive.
        let kept = Mutex<[ConsumeContext]>([])
        let report = try await PartitionConsumer(config).consume { message in kept.withLock { $0.append(message) } }
        let count = kept.withLock { $0.count { $0.value?.count == 100 } }
        guard report.completed == 100, count == 100 else { throw Wrong(description: "read \(report.completed)") }
    default:
        var config = ProducerConfig(brokers: brokers, defaultTopic: topic + "-out")
        config.logger.logLevel = .critical
        let producer = try Producer(config)
        try await producer.produce(ProduceMessage(key: "k", value: "v"))
        await producer.close()
    }
}

/// Some at a time.
@Sendable func rounds(_ numbers: Range<Int>, brokers: [String], topic: String) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        for (index, number) in numbers.enumerated() {
            if index >= 6 { try await group.next() }
            group.addTask { try await round(number, brokers: brokers, topic: topic) }
        }
        try await group.waitForAll()
    }
}

/// What the process holds.
struct Holdings {
    let files: Int
    let threads: Int
    let kibibytes: Int

    init() throws {
        files = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        kibibytes = line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }

    /// What it holds once that has not become less for a while: clients are freed on threads of their own, and threads
    /// stay for a while in case there is more to do.
    static func settled(within limit: Duration = .seconds(30)) async throws -> Holdings {
        let deadline = ContinuousClock.now + limit
        var least = try Holdings()
        var changed = ContinuousClock.now
        while ContinuousClock.now < deadline, ContinuousClock.now - changed < .seconds(6) {
            try await Task.sleep(for: .milliseconds(100))
            let now = try Holdings()
            if now.files < least.files || now.threads < least.threads {
                least = now
                changed = .now
            }
        }
        return try Holdings()
    }
}

let arguments = CommandLine.arguments
guard arguments.count == 4, let count = Int(arguments[3]), count > 0 else {
    FileHandle.standardError.write(Data("usage: xkafka-test-handles BROKERS TOPIC ROUNDS\n".utf8))
    exit(2)
}
do {
    let brokers = arguments[1].split(separator: ",").map(String.init)
    // What is set up once and for all is not counted, nor what the allocator keeps for the most there was at once.
    let warmUp = max(12, count / 10)
    try await rounds(0..<warmUp, brokers: brokers, topic: arguments[2])
    let before = try await Holdings.settled()
    try await rounds(warmUp..<warmUp + count, brokers: brokers, topic: arguments[2])
    let after = try await Holdings.settled()
    print(
        "handles",
        "rounds=\(count)",
        "files=\(before.files),\(after.files)",
        "threads=\(before.threads),\(after.threads)",
        "kibibytes=\(before.kibibytes),\(after.kibibytes)"
    )
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
