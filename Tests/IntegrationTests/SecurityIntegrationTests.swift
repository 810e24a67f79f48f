import Foundation
import Logging
import Testing
import XKafka
import XKafkaTesting
import XKafkaTestingInternal

/// Encryption and authentication, on brokers that the environment names.
@Suite(.serialized, .timeLimit(.minutes(3))) struct SecurityIntegrationTests {
    /// Messages there and back, by every kind of client: the questions to the cluster, a producer, a group consumer
    /// and its producer of dead letters.
    private func roundTrip(_ cluster: SecureCluster) async throws {
        try await cluster.withTopic { topic in
            let producer = try Producer(cluster.producer(topic))
            try await producer.produceBatch((0..<20).map { ProduceMessage(key: "k\($0 % 4)", value: "\($0)") })
            await producer.close()

            var config = cluster.consumer(topic)
            let letters = RealCluster.uniqueName("xkafka-secure-dlq")
            try await cluster.inspector.createTopic(letters, partitions: 1)
            config.processing.retry = RetryConfig(maxRetries: 0)
            config.processing.exhaustedPolicy = .dlqCommit
            config.processing.deadLetters = DeadLetterConfig(topic: letters)
            let consumer = try GroupConsumer(config)
            let seen = Collector<String>()
            let consuming = Task {
                try await consumer.consume { message in
                    let value = message.value.map { String($0) } ?? ""
                    seen.add(value)
                    if value == "7" { throw Poisoned() }
                }
            }
            try await seen.wait(forCount: 20, within: .seconds(60))
            try await eventually("the dead letter") {
                try await cluster.inspector.endOffsets(of: letters) == [0: 1]
            }
            await consumer.close()
            _ = try await consuming.value
            try await cluster.inspector.deleteTopic(letters)
            #expect(Set(seen.values) == Set((0..<20).map { "\($0)" }))
        }
    }

    private struct Poisoned: Error {}

    /// Whether a message gets through within some seconds.
    private func delivers(_ cluster: SecureCluster, _ topic: String) async throws -> Bool {
        var config = cluster.producer(topic)
        config.retry = RetryConfig(maxRetries: 0)
        config.exhaustedPolicy = .stop
        config.deliveryTimeout = .seconds(3)
        let producer = try Producer(config)
        let result = await Result { try await producer.produce(ProduceMessage(value: "x")) }
        await producer.close(deadline: .zero)
        return (try? result.get()) != nil
    }

    // MARK: TLS

    @Test(.enabled(if: SecureCluster.tls != nil)) func encryption() async throws {
        try await roundTrip(try #require(SecureCluster.tls))
    }

    @Test(.enabled(if: SecureCluster.tls != nil)) func authoritiesAreVerified() async throws {
        var cluster = try #require(SecureCluster.tls)
        try await cluster.withTopic { topic in
            cluster.security.tls?.certificateAuthorities = nil
            let isDelivered = try await delivers(cluster, topic)
            #expect(!isDelivered, "the system's authorities did not sign this certificate")
        }
    }

    /// Asks by address, where the certificate has the name `localhost`.
    @Test(.enabled(if: SecureCluster.tls?.brokers.allSatisfy { $0.hasPrefix("localhost:") } == true))
    func hostNamesAreVerified() async throws {
        let named = try #require(SecureCluster.tls)
        for (isVerified, expected) in [(true, false), (false, true)] {
            var properties = ProducerConfig(brokers: named.brokers.map { $0.replacing("localhost", with: "127.0.0.1") })
            properties.security = named.security
            properties.security.tls?.verifiesHostname = isVerified
            let inspector = ClusterInspector(
                brokers: properties.brokers,
                security: properties.security,
                timeout: .seconds(4)
            )
            let answer = try? await inspector.endOffsets(of: "__consumer_offsets")
            #expect((answer != nil) == expected)
        }
    }

    @Test(.enabled(if: SecureCluster.clientCertificate != nil)) func clientCertificates() async throws {
        var cluster = try #require(SecureCluster.clientCertificate)
        try await roundTrip(cluster)
        // The same from memory.
        let files = try #require(cluster.security.tls?.clientCertificate)
        cluster.security.tls?.clientCertificate?.certificate = .pem(Secret(try text(files.certificate)))
        cluster.security.tls?.clientCertificate?.key = .pem(Secret(try text(files.key)))
        try await cluster.withTopic { topic in
            let withIt = try await delivers(cluster, topic)
            #expect(withIt)
            cluster.security.tls?.clientCertificate = nil
            let withoutIt = try await delivers(cluster, topic)
            #expect(!withoutIt)
        }
    }

    private func text(_ source: TLSConfig.Source) throws -> String {
        guard case .file(let path) = source else { return "" }
        return try String(contentsOfFile: path, encoding: .utf8)
    }

    // MARK: SASL

    @Test(.enabled(if: SecureCluster.password != nil)) func passwords() async throws {
        try await roundTrip(try #require(SecureCluster.password))
    }

    @Test(.enabled(if: SecureCluster.passwordOverTLS != nil)) func passwordsOverTLS() async throws {
        try await roundTrip(try #require(SecureCluster.passwordOverTLS))
    }

    /// A wrong password ends the consumer, and shows nowhere.
    @Test(.enabled(if: SecureCluster.password != nil)) func wrongPassword() async throws {
        var cluster = try #require(SecureCluster.password)
        let log = RecordedLog()
        cluster.security.sasl?.password = "WRONG-SECRET"
        var config = cluster.consumer("orders")
        config.logger = log.logger
        config.librdkafkaProperties["debug"] = "security,protocol,broker"
        let consumer = try GroupConsumer(config)
        let error = await #expect(throws: KafkaError.self) { try await consumer.consume { _ in } }
        #expect(error?.code == .authentication)
        #expect(!"\(String(describing: error))\(log.entries)".contains("WRONG-SECRET"))
        #expect(log.entries.contains { $0.fields["librdkafka_facility"] != nil })
    }

    /// A token that nobody signed: `{"alg":"none"}`, and who it is for.
    private static func token(_ lifetime: TimeInterval) -> OAuthBearerToken {
        func encoded(_ json: String) -> String {
            Data(json.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }
        let (now, end) = (Date(), Date() + lifetime)
        let claims = """
            {"sub":"ann","iat":\(Int(now.timeIntervalSince1970)),"exp":\(Int(end.timeIntervalSince1970))}
            """
        return OAuthBearerToken(
            Secret("\(encoded(#"{"alg":"none"}"#)).\(encoded(claims))."),
            expiration: end,
            principal: "ann"
        )
    }

    @Test(.enabled(if: SecureCluster.takesTokens)) func tokens() async throws {
        let calls = Collector<Bool>()
        let tokens = OAuthBearerTokens(backoff: RetryConfig(initialBackoff: .milliseconds(20))) {
            calls.add(true)
            // One that fails at first is asked again.
            if calls.values.count.isMultiple(of: 2) { throw Poisoned() }
            return Self.token(5)
        }
        try await roundTrip(try #require(SecureCluster.tokens(tokens)))
        #expect(calls.values.count > 4)
    }

    @Test(.enabled(if: SecureCluster.takesTokens)) func noTokenIsTheEnd() async throws {
        let cluster = try #require(SecureCluster.tokens(OAuthBearerTokens { throw Permanent(Poisoned()) }))
        let consumer = try GroupConsumer(cluster.consumer("orders"))
        let error = await #expect(throws: KafkaError.self) { try await consumer.consume { _ in } }
        #expect(error?.code == .authentication)
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
