import XKafka
import XKafkaTestingInternal

/// What handlers do with a message: follows from a seed and the message's number, so that it is the same whoever
/// handles the message, and however often.
struct HandlerScript: Sendable {
    enum Step {
        /// Works for a while.
        case work(Duration)
        /// Works for a while and fails.
        case fail(after: Duration)
        /// Takes so long that others notice, but stops when it is told to.
        case stall(Duration)
        /// Takes longer than a drain waits for it, and does not listen.
        case ignoreCancellation(Duration)
    }

    /// A handler fails.
    struct Failed: Error {}

    let seed: UInt64

    func step(number: Int, attempt: Int) -> Step {
        var random = SeededGenerator(seed: seed &+ UInt64(bitPattern: Int64(number)) &* 0x9e37_79b9)
        let lot = Int.random(in: 0..<1_000, using: &random)
        let pause = Duration.microseconds(Int.random(in: 500...5_000, using: &random))
        return switch lot {
        // The first attempt, or each: then the message becomes a dead letter.
        case 0..<20: attempt == 1 ? .fail(after: pause) : .work(pause)
        case 20..<25: .fail(after: pause)
        case 25..<29: .stall(.milliseconds(Int.random(in: 200...800, using: &random)))
        case 29: .ignoreCancellation(.milliseconds(Int.random(in: 2_500...3_500, using: &random)))
        default: .work(pause)
        }
    }

    func play(_ message: ConsumeContext) async throws {
        switch step(number: message.number, attempt: message.attempt) {
        case .work(let time), .stall(let time): try await Task.sleep(for: time)
        case .fail(let time):
            try await Task.sleep(for: time)
            throw Failed()
        case .ignoreCancellation(let time): await Task.detached { try? await Task.sleep(for: time) }.value
        }
    }
}
