import Testing
import XKafkaTestingInternal

@testable import XKafka

/// What observations come to.
@Suite struct HealthDecisionTests {
    private struct Failure: Error {}

    private static let limits = HealthConfig(degradedAfter: .seconds(30), stalledAfter: .seconds(120))
    private let now = ContinuousClock.now

    private func before(_ seconds: Int) -> ContinuousClock.Instant { now - .seconds(seconds) }

    private func position(_ partition: Int32, _ offset: Int64) -> TopicPartitionOffset {
        TopicPartitionOffset(TopicPartition(topic: "orders", partition: partition), offset: offset)
    }

    private func health(isStopping: Bool = false, _ change: (inout ConsumerVitals) -> Void) -> ConsumerHealth {
        var vitals = ConsumerVitals(sampledAt: now)
        change(&vitals)
        return vitals.health(Self.limits, isStopping: isStopping, at: now)
    }

    @Test func nothingWrongIsHealthy() {
        #expect(health { _ in }.isHealthy)
        #expect(health { $0.waiting = [(position(0, 1), before(29))] }.isHealthy)
        #expect(health { $0.commitSince = before(29) }.isHealthy)
        #expect(health { $0.intakeHeldSince = before(29) }.isHealthy)
    }

    @Test func someTroublesCountAtOnce() {
        #expect(health { $0.brokersDownSince = now }.isDegraded)
        #expect(health { $0.unsettledSince = now }.isDegraded)
        #expect(health { $0.commitFailure = (now, Failure()) }.isDegraded)
        #expect(health { $0.unknownTopics = ["b", "a"] }.description.contains("a, b"))
        #expect(health(isStopping: true) { $0.unsettledSince = before(500) }.isDegraded, "it does not settle again")
    }

    @Test func theyStallInTheEnd() {
        for seconds in [119, 120] {
            let isStalled = seconds == 120
            #expect(health { $0.brokersDownSince = before(seconds) }.isStalled == isStalled)
            #expect(health { $0.unsettledSince = before(seconds) }.isStalled == isStalled)
            #expect(health { $0.commitFailure = (before(seconds), Failure()) }.isStalled == isStalled)
            #expect(health { $0.commitSince = before(seconds) }.isStalled == isStalled)
            #expect(health { $0.waiting = [(position(0, 1), before(seconds))] }.isStalled == isStalled)
        }
        #expect(health { $0.intakeHeldSince = before(500) }.isDegraded, "what is in hand goes on")
        #expect(health { $0.unknownTopics = ["a"] }.isDegraded)
        #expect(health { $0.sampledAt = before(10) }.isStalled)
        #expect(health { $0.sampledAt = nil }.isHealthy, "the thread has not begun")
    }

    @Test func onePartitionAloneIsNoStall() throws {
        let health = health { vitals in
            vitals.waiting = [(position(0, 7), before(600)), (position(1, 3), before(40)), (position(2, 5), before(1))]
        }
        #expect(health.isDegraded)
        guard case .frontierStandsStill(let position, let time, let count) = try #require(health.reasons.first) else {
            Issue.record("\(health)")
            return
        }
        #expect(position.offset == 7 && time == .seconds(600) && count == 2)
        #expect(health.description.contains("why(\"orders\", 0)"))
    }

    @Test func theWorstDecidesAndComesFirst() throws {
        let health = health { vitals in
            vitals.unknownTopics = ["a"]
            vitals.commitFailure = (now, Failure())
            vitals.brokersDownSince = before(300)
        }
        #expect(health.isStalled && health.reasons.count == 3)
        guard case .brokersDown = try #require(health.reasons.first) else {
            Issue.record("\(health)")
            return
        }
    }

    @Test func producers() {
        func health(_ change: (inout ProducerVitals) -> Void) -> ProducerHealth {
            var vitals = ProducerVitals()
            change(&vitals)
            return vitals.health(Self.limits, at: now)
        }
        #expect(health { _ in }.isHealthy)
        #expect(health { $0.oldestSince = before(29) }.isHealthy)
        #expect(health { $0.oldestSince = before(30) }.isDegraded)
        #expect(health { $0.oldestSince = before(120) }.isStalled)
        #expect(health { $0.fullSince = before(29) }.isHealthy)
        #expect(health { $0.fullSince = before(30) }.isDegraded)
        #expect(health { $0.brokersDownSince = now }.isDegraded)
        #expect(health { $0.isClosed = true }.isStalled)
        let fatal = health { vitals in
            vitals.isClosed = true
            vitals.fatalError = Failure()
        }
        #expect(fatal.isStalled && fatal.reasons.count == 1)
    }
}
