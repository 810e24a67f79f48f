import ArgumentParser
import Foundation
import XKafkaTesting

/// The broker that both sides work on, in a process of its own, until its standard input ends.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "An embedded broker; prints its address.")

    @Option(help: "Topics, as NAME:PARTITIONS.") var topic: [String]

    func run() async throws {
        var topics: [String: Int] = [:]
        for text in topic {
            let parts = text.split(separator: ":")
            guard parts.count == 2, let partitions = Int(parts[1]) else { throw ValidationError("\(text)?") }
            topics[String(parts[0])] = partitions
        }
        let broker = try EmbeddedBroker.start(topics: topics)
        defer { broker.stop() }
        FileHandle.standardOutput.write(Data("\(broker.bootstrapServers)\n".utf8))
        while readLine() != nil {}
    }
}
