import Foundation
import XKafkaCore
import XKafkaTransport

/// The whole of the executable `xkafka-embedded-broker`.
package enum EmbeddedBrokerProcess {
    /// Runs until standard input closes. Answers the exit status.
    package static func run(arguments: [String]) -> Int32 {
        do {
            let options = try Options(arguments)
            let cluster = try MockCluster(brokers: options.brokers)
            for (topic, partitions) in options.topics {
                try cluster.create(topic: topic, partitions: partitions, replicationFactor: 1)
            }
            say(.started(bootstrapServers: cluster.bootstrapServers))
            while let line = readLine() {
                say(reply(to: line, cluster))
            }
            cluster.stop()
            return 0
        } catch {
            FileHandle.standardError.write(Data("error: \(error)\n".utf8))
            return 1
        }
    }

    private struct Options {
        var brokers = 1
        var topics: [(String, Int)] = []

        init(_ arguments: [String]) throws {
            let usage = "usage: xkafka-embedded-broker [--brokers N] [--topic NAME:PARTITIONS]..."
            var rest = arguments[...]
            while let option = rest.popFirst() {
                switch (option, rest.popFirst()) {
                case ("--brokers", let text?):
                    guard let count = Int(text), (1...100).contains(count) else { throw EmbeddedBrokerError(usage) }
                    brokers = count
                case ("--topic", let text?):
                    let parts = text.split(separator: ":")
                    guard parts.count == 2, let count = Int(parts[1]), (1...10_000).contains(count) else {
                        throw EmbeddedBrokerError(usage)
                    }
                    topics.append((String(parts[0]), count))
                default: throw EmbeddedBrokerError(usage)
                }
            }
        }
    }

    private static func reply(to line: String, _ cluster: MockCluster) -> ChildReply {
        do {
            switch try JSONDecoder().decode(ChildRequest.self, from: Data(line.utf8)) {
            case .createTopic(let name, let partitions, let replicationFactor):
                try cluster.create(topic: name, partitions: partitions, replicationFactor: replicationFactor)
            case .apply(let fault):
                try cluster.inject(fault)
            }
            return .done
        } catch let error as KafkaError {
            return ChildReply(error)
        } catch {
            return .failed(code: .invalidArgument, name: "_INVALID_ARG", text: "\(error)", operation: "read a request")
        }
    }

    private static func say(_ reply: ChildReply) {
        // Replies are plain values: encoding them cannot fail.
        guard let line = try? JSONEncoder().encode(reply) else { return }
        FileHandle.standardOutput.write(line + [UInt8(ascii: "\n")])
    }
}
