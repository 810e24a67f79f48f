import Foundation
import XKafka
import XKafkaTesting

/// A way into a cluster that the environment names.
struct SecureCluster: Sendable {
    let brokers: [String]
    var security: SecurityConfig

    private init?(_ variable: String, _ security: SecurityConfig) {
        guard let brokers = Self.value(variable) else { return nil }
        self.brokers = brokers.split(separator: ",").map { String($0).trimmingCharacters(in: .whitespaces) }
        self.security = security
    }

    /// `XKAFKA_TLS_BROKERS`, whose certificate `XKAFKA_TLS_CA` has signed.
    static let tls = SecureCluster("XKAFKA_TLS_BROKERS", SecurityConfig(tls: authorities))

    /// `XKAFKA_TLS_CLIENT_BROKERS`, which want a certificate: `XKAFKA_TLS_CERTIFICATE`, and `XKAFKA_TLS_KEY` with
    /// `XKAFKA_TLS_KEY_PASSWORD`.
    static let clientCertificate: SecureCluster? = {
        guard let certificate = value("XKAFKA_TLS_CERTIFICATE"), let key = value("XKAFKA_TLS_KEY") else { return nil }
        var tls = authorities
        tls.clientCertificate = TLSConfig.ClientCertificate(
            certificate: .file(certificate),
            key: .file(key),
            keyPassword: value("XKAFKA_TLS_KEY_PASSWORD").map { Secret($0) }
        )
        return SecureCluster("XKAFKA_TLS_CLIENT_BROKERS", SecurityConfig(tls: tls))
    }()

    /// `XKAFKA_SASL_BROKERS`, which take `XKAFKA_SASL_USERNAME` and `XKAFKA_SASL_PASSWORD` in plain text.
    static let password = SecureCluster("XKAFKA_SASL_BROKERS", SecurityConfig(sasl: plain))

    /// `XKAFKA_SASL_TLS_BROKERS`, the same over TLS.
    static let passwordOverTLS = SecureCluster("XKAFKA_SASL_TLS_BROKERS", SecurityConfig(tls: authorities, sasl: plain))

    /// `XKAFKA_OAUTH_BROKERS`, which take tokens that nobody signed, as Kafka's own test validator does.
    static func tokens(_ tokens: OAuthBearerTokens) -> SecureCluster? {
        SecureCluster("XKAFKA_OAUTH_BROKERS", SecurityConfig(sasl: .oauthBearer(tokens)))
    }

    static var takesTokens: Bool { value("XKAFKA_OAUTH_BROKERS") != nil }

    static var plain: SASLConfig {
        SASLConfig(
            mechanism: .plain,
            username: value("XKAFKA_SASL_USERNAME") ?? "",
            password: Secret(value("XKAFKA_SASL_PASSWORD") ?? "")
        )
    }

    private static var authorities: TLSConfig {
        TLSConfig(certificateAuthorities: value("XKAFKA_TLS_CA").map { .file($0) })
    }

    private static func value(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    // MARK: Use

    var inspector: ClusterInspector { ClusterInspector(brokers: brokers, security: security, timeout: .seconds(20)) }

    func withTopic(_ body: (String) async throws -> Void) async throws {
        try await RealCluster.withTopic(partitions: 2, of: inspector, body)
    }

    func producer(_ topic: String) -> ProducerConfig {
        ProducerConfig(
            brokers: brokers,
            defaultTopic: topic,
            linger: .milliseconds(1),
            security: security,
            logger: RealCluster.logger
        )
    }

    func consumer(_ topic: String) -> GroupConsumerConfig {
        var config = GroupConsumerConfig(
            brokers: brokers,
            groupID: RealCluster.uniqueName("group"),
            topics: [topic],
            security: security,
            logger: RealCluster.logger
        )
        config.sessionTimeout = .seconds(6)
        config.heartbeatInterval = .milliseconds(300)
        config.librdkafkaProperties = ["fetch.wait.max.ms": "50"]
        return config
    }
}
