import Configuration
import XKafka
import XKafkaConfiguration
import XKafkaCore
import XKafkaTestingInternal

extension FuzzTarget {
    /// A configuration: lines of `key=value`, read as all three.
    static let configuration = FuzzTarget(name: "configuration") { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        var secrets: [String] = []
        // What a value is taken for by its first character, as a file may hold numbers and lists.
        for line in text.split(separator: "\n").prefix(200) {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else { continue }
            let (key, value) = (String(parts[0]), parts[1])
            let content: ConfigContent =
                switch value.first {
                case "#": Int(value.dropFirst()).map { .int($0) } ?? .string(String(value))
                case "~": Double(value.dropFirst()).map { .double($0) } ?? .string(String(value))
                case "?": .bool(value == "?true")
                case "*": .stringArray(value.dropFirst().split(separator: ",").map(String.init))
                default: .string(String(value))
                }
            values[AbsoluteConfigKey(ConfigKey(key))] = ConfigValue(content, isSecret: false)
            // One that other values hold as well may show with them.
            if key == "security.sasl.password", value.utf8.count >= 12, text.ranges(of: value).count == 1 {
                secrets.append(String(value))
            }
        }
        let reader = ConfigReader(provider: InMemoryProvider(values: values))
        func check(_ body: () throws -> any Sendable) throws {
            do {
                let config = try body()
                for secret in secrets {
                    try promise(!"\(config)".contains(secret), "a secret shows in a configuration")
                }
            } catch let error as ConfigurationError {
                try promise(!error.problems.isEmpty, "an error names its problems")
                for secret in secrets { try promise(!"\(error)".contains(secret), "a secret shows in an error") }
            }
        }
        try check { try GroupConsumerConfig(from: reader) }
        try check { try PartitionConsumerConfig(from: reader) }
        try check { try ProducerConfig(from: reader) }
    } example: { random in
        var lines = ["brokers=a:1,b:2", "groupID=g", "topics=orders,^payments.*", "topic=orders", "partitions=0,1"]
        let more = [
            "processing.shardCount=#64", "processing.retry.initialBackoff=1m30s", "processing.retry.multiplier=~1.5",
            "processing.exhaustedPolicy=dlq_commit", "processing.deadLetters.topic=dlq", "start=offset:42",
            "end=untilEnd", "outOfRange=fail", "metrics.statisticsInterval=never", "metrics.enabled=?true",
            "security.tls.enabled=true", "security.sasl.mechanism=PLAIN", "security.sasl.username=billing",
            "security.sasl.password=hunter2hunter2", "librdkafkaProperties=*a=b,c=d", "linger=500us", "acks=all",
            "compression=zstd", "dispatch.mode=serial", "successLogLevel=trace", "processing.drainDeadline=0.5h",
            "security.tls.clientCertificate.key.pem=-----BEGIN", "isIdempotent=no", "closeDeadline=1d2h3m4s5ms6us7ns",
        ]
        for _ in 0..<Int.random(in: 0...12, using: &random) { lines.append(more.randomElement(using: &random) ?? "") }
        return Array(lines.joined(separator: "\n").utf8)
    }
}
