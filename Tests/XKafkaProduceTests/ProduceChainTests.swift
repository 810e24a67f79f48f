import Testing
import XKafkaCore
import XKafkaProduce

@Suite struct ProduceChainTests {
    private func final(_ trail: Trail) -> ProduceFunction {
        { message in
            trail.add("final")
            return ProduceResult(topic: message.topic, partition: 0, offset: 1, timestamp: nil)
        }
    }

    @Test func firstIsOutermost() async throws {
        let trail = Trail()
        let chain = composeProduce([trail.handler("a"), trail.handler("b")], final(trail))
        #expect(try await chain(message).offset == 1)
        #expect(trail.all == ["a in", "b in", "final", "b out", "a out"])
        _ = try await chain(message)
        #expect(trail.all.count == 10, "a chain serves any number of messages")
    }

    @Test func notCallingNextAnswersInItsPlace() async throws {
        let trail = Trail()
        let answer = ProduceMiddleware { message, _ in
            ProduceResult(topic: message.topic, partition: 9, offset: nil, timestamp: nil)
        }
        let result = try await composeProduce([trail.handler("a"), answer], final(trail))(message)
        #expect(result.partition == 9)
        #expect(trail.all == ["a in", "a out"])
    }

    @Test func errorsPassThrough() async throws {
        let trail = Trail()
        let chain = composeProduce([trail.handler("a")]) { _ in throw Failure() }
        await #expect(throws: Failure.self) { try await chain(message) }
        #expect(trail.all == ["a in"])
    }

    @Test func callingNextTwiceThrows() async throws {
        let trail = Trail()
        let twice = ProduceMiddleware { message, next in
            _ = try await next(message)
            return try await next(message)
        }
        let chain = composeProduce([twice], final(trail))
        await #expect(throws: ProduceChainError.nextCalledTwice) { try await chain(message) }
        #expect(trail.all == ["final"])
    }

    @Test func handlersMayChangeTheMessage() async throws {
        let header = ProduceMiddleware { message, next in
            var message = message
            message.message.headers.append("origin", "test")
            message.message.topic = "elsewhere"
            return try await next(message)
        }
        let result = try await composeProduce([header]) { message in
            #expect(message.message.headers.first(named: "origin")?.value == "test")
            #expect(message.dispatchKey == "k")
            return ProduceResult(topic: message.topic, partition: 0, offset: nil, timestamp: nil)
        }(message)
        #expect(result.topic == "elsewhere")
    }

    @Test func topicHandlersAppendOrReplace() async throws {
        for (mode, steps) in [(ChainMode.append, ["global in", "topic in"]), (.replace, ["topic in"])] {
            let trail = Trail()
            let topic = ProduceTopicHandlers([trail.handler("topic")], mode: mode)
            _ = try await composeProduce(topic.combined(with: [trail.handler("global")]), final(trail))(message)
            #expect(trail.all.filter { $0.hasSuffix("in") } == steps)
        }
    }

    @Test func dispatchKeyIsTheKeyOrTheTopic() {
        #expect(ProduceContext(ProduceMessage(key: "k", value: "v"), topic: "t").dispatchKey == "k")
        #expect(ProduceContext(ProduceMessage(value: "v"), topic: "t").dispatchKey == "t")
        #expect(ProduceContext(ProduceMessage(key: "", value: "v"), topic: "t").dispatchKey == "t")
    }
}
