import Foundation
import Synchronization
import XKafkaCore
import XKafkaTransport

/// A cluster in a process of its own.
///
/// The process reads requests from its standard input and ends when that closes, so it never
/// outlives the one that started it.
final class ChildCluster: ClusterControl {
    /// One exchange at a time. `@unchecked Sendable`: only used with the lock held.
    fileprivate struct Connection: @unchecked Sendable {
        let process: Process
        let requests: FileHandle
        let replies: FileHandle
        fileprivate var unread = Data()
    }

    let brokerCount: Int
    let bootstrapServers: String
    private let connection: Mutex<Connection?>

    init(brokers: Int) throws {
        // Writing to a process that has died must be an error, not the end of this one.
        _ = signal(SIGPIPE, SIG_IGN)
        let process = Process()
        process.executableURL = try Self.executable()
        process.arguments = ["--brokers", "\(brokers)"]
        let requests = Pipe()
        let replies = Pipe()
        process.standardInput = requests
        process.standardOutput = replies
        try ProcessSpawnGuard.run { try process.run() }
        // This process must not hold the child's ends: a dead child would go unnoticed.
        try replies.fileHandleForWriting.close()
        try requests.fileHandleForReading.close()
        var connection = Connection(
            process: process,
            requests: requests.fileHandleForWriting,
            replies: replies.fileHandleForReading
        )
        guard case .started(let servers) = try connection.readReply() else {
            throw EmbeddedBrokerError("the embedded broker's process did not say where it listens")
        }
        bootstrapServers = servers
        brokerCount = brokers
        self.connection = Mutex(connection)
    }

    deinit {
        stop()
    }

    func createTopic(_ topic: String, partitions: Int, replicationFactor: Int) throws {
        try request(.createTopic(name: topic, partitions: partitions, replicationFactor: replicationFactor))
    }

    func apply(_ fault: MockFault) throws {
        try request(.apply(fault))
    }

    func stop() {
        let stopped = connection.withLock { connection in
            defer { connection = nil }
            return connection
        }
        guard let stopped else { return }
        // Closing its input is what ends it. A process that is gone already has nothing to close.
        try? stopped.requests.close()
        stopped.process.waitUntilExit()
    }

    /// The process's identifier, for tests that measure or end it.
    var processIdentifier: Int32? {
        connection.withLock { $0?.process.processIdentifier }
    }

    private func request(_ request: ChildRequest) throws {
        let line = try JSONEncoder().encode(request) + [UInt8(ascii: "\n")]
        let reply = try connection.withLock { connection -> ChildReply in
            guard var open = connection else { throw EmbeddedBrokerError.stopped }
            defer { connection = open }
            do {
                try open.requests.write(contentsOf: line)
            } catch {
                // The one way in which writing to a pipe fails: nobody reads it any more.
                throw EmbeddedBrokerError.processEnded
            }
            return try open.readReply()
        }
        if let error = reply.error { throw error }
    }

    private static func executable() throws -> URL {
        let name = "xkafka-embedded-broker"
        var candidates: [URL] = []
        if let path = ProcessInfo.processInfo.environment["XKAFKA_EMBEDDED_BROKER"] {
            candidates.append(URL(fileURLWithPath: path))
        }
        candidates.append(Bundle.main.bundleURL.appendingPathComponent(name))
        if let path = CommandLine.arguments.first {
            candidates.append(URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent(name))
        }
        if let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) {
            return found
        }
        throw EmbeddedBrokerError(
            "\(name) was not found; build that product, or name it in XKAFKA_EMBEDDED_BROKER. Looked at: "
                + candidates.map(\.path).joined(separator: ", ")
        )
    }
}

extension ChildCluster.Connection {
    fileprivate mutating func readReply() throws -> ChildReply {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = unread[unread.startIndex..<end]
                unread = Data(unread[unread.index(after: end)...])
                return try JSONDecoder().decode(ChildReply.self, from: line)
            }
            let more = replies.availableData
            guard !more.isEmpty else { throw EmbeddedBrokerError.processEnded }
            unread += more
        }
    }
}
