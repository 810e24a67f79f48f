import Configuration
import Logging
import Synchronization
import Testing
import XKafka
import XKafkaConfiguration

/// Writes down what a reader tells about its accesses.
private final class Accesses: AccessReporter {
    private let lines = Mutex<[String]>([])
    private let secretKeys = Mutex<Set<String>>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }
    var secrets: Set<String> { secretKeys.withLock { $0 } }

    func report(_ event: AccessEvent) {
        lines.withLock { $0.append("\(event)") }
        if let value = try? event.result.get(), value.isSecret {
            secretKeys.withLock { _ = $0.insert("\(event.metadata.key)") }
        }
    }
}

@Suite struct SecretTests {
    private static let secretKeys: Set<String> = [
        "security.tls.certificateAuthorities.pem", "security.tls.clientCertificate.certificate.pem",
        "security.tls.clientCertificate.key.pem", "security.tls.clientCertificate.keyPassword",
        "security.sasl.password", "librdkafkaProperties",
    ]

    @Test func neverShow() throws {
        let accesses = Accesses()
        var values: [AbsoluteConfigKey: ConfigValue] = [
            "brokers": "a:1", "groupID": "g", "topics": "t", "topic": "t", "security.sasl.mechanism": "PLAIN",
            "security.sasl.username": "ann",
        ]
        for key in Self.secretKeys {
            values[AbsoluteConfigKey(ConfigKey(key))] = ConfigValue(.string("x=HUNTER2"), isSecret: false)
        }
        let reader = ConfigReader(provider: InMemoryProvider(values: values), accessReporter: accesses)
        let config = try GroupConsumerConfig(from: reader)
        _ = try PartitionConsumerConfig(from: reader)
        _ = try ProducerConfig(from: reader)
        #expect(config.security.sasl?.password.value == "x=HUNTER2")
        #expect(accesses.secrets == Self.secretKeys)
        #expect(!accesses.text.contains("HUNTER2"))
        #expect(!"\(config.security)".contains("HUNTER2"))

        // Neither when they are wrong: librdkafka does not take these.
        let error = #expect(throws: ConfigurationError.self) { try GroupConsumer(config) }
        #expect(error.map { !"\($0)".contains("HUNTER2") } == true, "\(String(describing: error))")
    }
}
