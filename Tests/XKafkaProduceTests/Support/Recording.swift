import Synchronization
import XKafkaCore
import XKafkaProduce

struct Failure: Error, CustomStringConvertible {
    var description = "send failed"
}

/// Writes down steps.
final class Trail: Sendable {
    private let steps = Mutex<[String]>([])
    var all: [String] { steps.withLock { $0 } }
    func add(_ step: String) { steps.withLock { $0.append(step) } }

    func handler(_ name: String) -> ProduceMiddleware {
        ProduceMiddleware { message, next in
            self.add("\(name) in")
            let result = try await next(message)
            self.add("\(name) out")
            return result
        }
    }
}

/// Fails a number of times, then succeeds.
final class Sender: Sendable {
    private let failures: Mutex<Int>
    private let error: any Error
    private let attempts = Mutex<[Int]>([])
    var attemptsSeen: [Int] { attempts.withLock { $0 } }

    init(failures: Int, _ error: any Error = Failure()) {
        self.failures = Mutex(failures)
        self.error = error
    }

    func send(_ message: ProduceContext) async throws -> ProduceResult {
        attempts.withLock { $0.append(message.attempt) }
        let fails = failures.withLock { failures in
            failures -= 1
            return failures >= 0
        }
        if fails { throw error }
        return ProduceResult(topic: message.topic, partition: 3, offset: 7, timestamp: nil)
    }
}

let message = ProduceContext(ProduceMessage(topic: "orders", key: "k", value: "v"))
