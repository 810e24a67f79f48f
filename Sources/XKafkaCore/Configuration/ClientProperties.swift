/// librdkafka properties in the order they are set, each with whether its value may be shown.
package struct ClientProperties: Sendable {
    package struct Property: Sendable, CustomStringConvertible {
        package let name: String
        package let value: String
        package let isSecret: Bool

        package var description: String { "\(name)=\(isSecret ? "<redacted>" : value)" }
    }

    package private(set) var properties: [Property] = []

    /// Where tokens come from, if the client shows any.
    package private(set) var tokens: OAuthBearerTokens?
    /// Told when there was no token to be had, and how long the pause is before the next try. Default: nobody.
    package var onTokenFailure: (@Sendable (any Error, Duration?) -> Void)?

    package init() {}

    package mutating func set(_ name: String, _ value: some CustomStringConvertible) {
        append(name, value.description, isSecret: false)
    }

    package mutating func set(_ name: String, milliseconds duration: Duration) {
        append(name, "\(duration.wholeMilliseconds)", isSecret: false)
    }

    package mutating func set(_ name: String, secret: Secret) {
        append(name, secret.value, isSecret: true)
    }

    /// Sets what every client needs, whatever its kind.
    package mutating func setConnection(brokers: [String], clientID: String, security: SecurityConfig) {
        set("bootstrap.servers", brokers.joined(separator: ","))
        set("client.id", clientID)
        // Nagle's algorithm is on by default before librdkafka 2.10 and delays small requests.
        set("socket.nagle.disable", true)
        setSecurity(security)
    }

    /// The same properties without those that make a client connect: enough to have librdkafka
    /// check the rest.
    package func withoutConnection() -> ClientProperties {
        var copy = self
        copy.properties.removeAll { $0.name == "bootstrap.servers" || $0.name == "metadata.broker.list" }
        return copy
    }

    private mutating func append(_ name: String, _ value: String, isSecret: Bool) {
        properties.append(Property(name: name, value: value, isSecret: isSecret))
    }

    private mutating func setSecurity(_ security: SecurityConfig) {
        let scheme =
            switch (security.tls, security.sasl) {
            case (nil, nil): "plaintext"
            case (nil, _?): "sasl_plaintext"
            case (_?, nil): "ssl"
            case (_?, _?): "sasl_ssl"
            }
        set("security.protocol", scheme)
        if let tls = security.tls {
            set("ssl.endpoint.identification.algorithm", tls.verifiesHostname ? "https" : "none")
            set(tls.certificateAuthorities, file: "ssl.ca.location", pem: "ssl.ca.pem")
            set(tls.clientCertificate?.certificate, file: "ssl.certificate.location", pem: "ssl.certificate.pem")
            set(tls.clientCertificate?.key, file: "ssl.key.location", pem: "ssl.key.pem")
            if let password = tls.clientCertificate?.keyPassword {
                set("ssl.key.password", secret: password)
            }
        }
        if let sasl = security.sasl {
            set("sasl.mechanism", sasl.mechanism)
            tokens = sasl.tokens
            if sasl.mechanism != .oauthBearer {
                set("sasl.username", sasl.username)
                set("sasl.password", secret: sasl.password)
            }
        }
    }

    private mutating func set(_ source: TLSConfig.Source?, file: String, pem: String) {
        switch source {
        case .file(let path): set(file, path)
        case .pem(let text): set(pem, secret: text)
        case nil: break
        }
    }
}

extension Duration {
    /// Milliseconds, rounded up, so that a short positive time never becomes none at all; what
    /// does not fit librdkafka's 32 bits becomes the largest that does.
    package var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        let fraction = attoseconds / 1_000_000_000_000_000
        let remainder: Int64 = attoseconds % 1_000_000_000_000_000 > 0 ? 1 : 0
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        return Int32(clamping: product &+ fraction &+ remainder)
    }
}
