import Synchronization
import Testing
import XKafkaConsume
import XKafkaCore

@Suite struct ConsumeChainTests {
    private struct Failure: Error {}

    /// Writes down who was called.
    private final class Trail: Sendable {
        private let steps = Mutex<[String]>([])
        var all: [String] { steps.withLock { $0 } }
        func add(_ step: String) { steps.withLock { $0.append(step) } }

        func handler(_ name: String) -> ConsumeMiddleware {
            ConsumeMiddleware { message, next in
                self.add("\(name) in")
                try await next(message)
                self.add("\(name) out")
            }
        }
    }

    private let message = ConsumeContext(topic: "orders", key: "k", value: "v")

    @Test func firstIsOutermost() async throws {
        let trail = Trail()
        let chain = composeConsume([trail.handler("a"), trail.handler("b")]) { _ in trail.add("final") }
        try await chain(message)
        #expect(trail.all == ["a in", "b in", "final", "b out", "a out"])
        try await chain(message)
        #expect(trail.all.count == 10, "a chain serves any number of messages")
    }

    @Test func noHandlersIsTheFunctionItself() async throws {
        let trail = Trail()
        try await composeConsume([]) { _ in trail.add("final") }(message)
        #expect(trail.all == ["final"])
    }

    @Test func notCallingNextIsSuccess() async throws {
        let trail = Trail()
        let chain = composeConsume([trail.handler("a"), ConsumeMiddleware { _, _ in }]) { _ in trail.add("final") }
        try await chain(message)
        #expect(trail.all == ["a in", "a out"])
    }

    @Test func errorsPassThroughAndCanBeCaught() async throws {
        let trail = Trail()
        let failing = composeConsume([trail.handler("a")]) { _ in throw Failure() }
        await #expect(throws: Failure.self) { try await failing(message) }
        #expect(trail.all == ["a in"])
        let forgiving = composeConsume([ConsumeMiddleware { message, next in try? await next(message) }], failing)
        try await forgiving(message)
    }

    @Test func callingNextTwiceThrows() async throws {
        let trail = Trail()
        let twice = ConsumeMiddleware { message, next in
            try await next(message)
            try await next(message)
        }
        let chain = composeConsume([twice]) { _ in trail.add("final") }
        await #expect(throws: ConsumeChainError.nextCalledTwice) { try await chain(message) }
        #expect(trail.all == ["final"])
    }

    @Test func handlersMayChangeWhatOthersSee() async throws {
        let trail = Trail()
        let later = ConsumeMiddleware { message, next in
            var changed = message
            changed.attempt = 7
            try await next(changed)
        }
        try await composeConsume([later]) { trail.add("attempt \($0.attempt)") }(message)
        #expect(trail.all == ["attempt 7"])
    }

    @Test func topicHandlersAppendOrReplace() async throws {
        for (mode, steps) in [(ChainMode.append, ["global in", "topic in"]), (.replace, ["topic in"])] {
            let trail = Trail()
            let topic = ConsumeTopicHandlers([trail.handler("topic")], mode: mode)
            try await composeConsume(topic.combined(with: [trail.handler("global")])) { _ in }(message)
            #expect(trail.all.filter { $0.hasSuffix("in") } == steps)
        }
    }
}
