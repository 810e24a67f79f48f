import Foundation
import Testing
import XKafkaCore
import XKafkaTesting
import XKafkaTestingInternal

@Suite(.timeLimit(.minutes(2))) struct EmbeddedBrokerTests {
    static let hostings: [EmbeddedBroker.Hosting] = [.thisProcess, .childProcess]

    @Test(arguments: hostings)
    func otherProgramsCanUseIt(hosting: EmbeddedBroker.Hosting) async throws {
        let broker = try EmbeddedBroker.start(brokers: 2, topics: ["orders": 3], in: hosting)
        defer { broker.stop() }
        #expect(broker.brokers.count == 2)
        let metadata = try await Kcat.run(["-L", "-b", broker.bootstrapServers])
        #expect(metadata.text.contains("2 brokers"))
        #expect(metadata.text.contains("topic \"orders\" with 3 partitions"))

        try await Kcat.produce(broker.bootstrapServers, topic: "orders", keyedLines: ["a\t1", "b\t2", "c\t3"])
        let read = try await Kcat.run(["-C", "-b", broker.bootstrapServers, "-t", "orders", "-e", "-q", "-K", "="])
        #expect(read.lines.sorted() == ["a=1", "b=2", "c=3"])
    }

    @Test(arguments: hostings)
    func stoppedBrokerIsGone(hosting: EmbeddedBroker.Hosting) async throws {
        let broker = try EmbeddedBroker.start(topics: ["orders": 1], in: hosting)
        let address = broker.bootstrapServers
        broker.stop()
        broker.stop()
        #expect(throws: EmbeddedBrokerError.self) { try broker.createTopic("late", partitions: 1) }
        #expect(throws: EmbeddedBrokerError.self) { try broker.inject(.brokerDown()) }
        let metadata = try await Kcat.run(["-L", "-b", address, "-m", "1"])
        #expect(metadata.status != 0)
    }

    @Test func childProcessIsAnotherProcess() throws {
        let broker = try EmbeddedBroker.start(in: .childProcess)
        defer { broker.stop() }
        let identifier = try #require(broker.processIdentifier)
        #expect(identifier != ProcessInfo.processInfo.processIdentifier)
    }

    @Test func diedChildProcessIsAnError() throws {
        let broker = try EmbeddedBroker.start(in: .childProcess)
        kill(try #require(broker.processIdentifier), SIGKILL)
        #expect(throws: EmbeddedBrokerError.self) {
            // The first write may still go through.
            try broker.createTopic("a", partitions: 1)
            try broker.createTopic("b", partitions: 1)
        }
        broker.stop()
    }

    @Test func argumentsThatMakeNoSenseAreRefused() throws {
        #expect(throws: EmbeddedBrokerError.self) { try EmbeddedBroker.start(brokers: 0) }
        #expect(throws: EmbeddedBrokerError.self) { try EmbeddedBroker.start(topics: ["a": 0]) }
        let broker = try EmbeddedBroker.start()
        defer { broker.stop() }
        #expect(throws: EmbeddedBrokerError.self) { try broker.createTopic("a", partitions: 1, replicationFactor: 2) }
        try broker.createTopic("a", partitions: 1)
        let error = #expect(throws: KafkaError.self) { try broker.createTopic("a", partitions: 1) }
        #expect(error?.operation == "create topic a")
    }
}
