import Foundation
import XKafka

/// Asks the company's identity provider, by whatever HTTP client the service uses.
@Sendable func fetchToken() async throws -> (text: String, expiration: Date) {
    ("…", Date() + 900)
}

var config = ProducerConfig(brokers: ["kafka.example.com:9093"], defaultTopic: "orders")
config.security = SecurityConfig(
    tls: TLSConfig(certificateAuthorities: .file("/etc/kafka/ca.pem")),
    sasl: .oauthBearer(
        OAuthBearerTokens {
            let token = try await fetchToken()
            return OAuthBearerToken(Secret(token.text), expiration: token.expiration)
        }
    )
)
let producer = try Producer(config)
