import Logging
import XKafka

/// What the process is told on its command line: `--name value` pairs.
struct MemberOptions {
    struct Wrong: Error, CustomStringConvertible {
        let what: String
        var description: String { what }
    }

    var config = GroupConsumerConfig(brokers: [], groupID: "", topics: [])
    /// How long a handler takes.
    var delay = Duration.zero
    /// The file of what happened.
    var ledger = ""

    init(_ arguments: [String]) throws {
        config.logger = Logger(label: "xkafka-test-member") { StreamLogHandler.standardError(label: $0) }
        config.logger.logLevel = .error
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Wrong(what: "\(name) needs a value") }
            switch name {
            case "--brokers": config.brokers = value.split(separator: ",").map(String.init)
            case "--group": config.groupID = value
            case "--topic": config.topics.append(value)
            case "--ledger": ledger = value
            case "--delay": delay = .milliseconds(try Self.number(value))
            case "--handlers": config.processing.maxConcurrentHandlers = try Self.number(value)
            case "--byte-budget": config.processing.byteBudget = try Self.number(value)
            case "--commit-interval": config.processing.commitInterval = .milliseconds(try Self.number(value))
            case "--drain-deadline": config.processing.drainDeadline = .milliseconds(try Self.number(value))
            case "--session-timeout": config.sessionTimeout = .milliseconds(try Self.number(value))
            case "--heartbeat-interval": config.heartbeatInterval = .milliseconds(try Self.number(value))
            case "--log": config.logger.logLevel = Logger.Level(rawValue: value) ?? .error
            case "-X":
                let parts = value.split(separator: "=", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { throw Wrong(what: "\(value) is no name=value") }
                config.librdkafkaProperties[parts[0]] = parts[1]
            default: throw Wrong(what: "unknown option \(name)")
            }
        }
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text) else { throw Wrong(what: "\(text) is no number") }
        return number
    }
}
