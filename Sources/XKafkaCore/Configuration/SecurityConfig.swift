/// How a client secures its connections and says who it is.
///
/// The default is a plain connection without authentication. Setting ``tls`` encrypts, setting
/// ``sasl`` authenticates, and each works with or without the other (librdkafka's
/// `security.protocol` follows from the two).
public struct SecurityConfig: Sendable, Hashable {
    /// Plain connections, no authentication.
    public static let plaintext = SecurityConfig()

    /// Encryption; `nil` (the default) means none.
    public var tls: TLSConfig?

    /// Authentication by user name and password, or by tokens; `nil` (the default) means none.
    public var sasl: SASLConfig?

    /// Encryption and authentication, each optional.
    public init(tls: TLSConfig? = nil, sasl: SASLConfig? = nil) {
        self.tls = tls
        self.sasl = sasl
    }
}

/// Encryption of the connections to the brokers.
public struct TLSConfig: Sendable, Hashable {
    /// A certificate or key in PEM form, in a file or in memory.
    public enum Source: Sendable, Hashable {
        /// The path of a file that librdkafka reads.
        case file(String)
        /// The PEM text itself. It may hold a private key, hence secret.
        case pem(Secret)
    }

    /// The certificate a client shows to the brokers, and its key.
    public struct ClientCertificate: Sendable, Hashable {
        /// The certificate chain (`ssl.certificate.location`, `ssl.certificate.pem`). Required.
        public var certificate: Source
        /// The private key (`ssl.key.location`, `ssl.key.pem`). Required.
        public var key: Source
        /// The password of the key (`ssl.key.password`). Default `nil`: it has none.
        public var keyPassword: Secret?

        /// A certificate chain and its private key.
        public init(certificate: Source, key: Source, keyPassword: Secret? = nil) {
            self.certificate = certificate
            self.key = key
            self.keyPassword = keyPassword
        }
    }

    /// The authorities whose broker certificates are trusted (`ssl.ca.location`, `ssl.ca.pem`);
    /// `nil` (the default) means those of the system.
    public var certificateAuthorities: Source?

    /// What the client shows to brokers that ask for a certificate; `nil` (the default) is none.
    public var clientCertificate: ClientCertificate?

    /// Whether the name in the broker's certificate must be the one that was connected to
    /// (`ssl.endpoint.identification.algorithm`). Default `true`; switch it off for tests only.
    public var verifiesHostname: Bool

    /// Encryption that trusts the system's authorities unless told otherwise.
    public init(
        certificateAuthorities: Source? = nil,
        clientCertificate: ClientCertificate? = nil,
        verifiesHostname: Bool = true
    ) {
        self.certificateAuthorities = certificateAuthorities
        self.clientCertificate = clientCertificate
        self.verifiesHostname = verifiesHostname
    }
}

/// Authentication by user name and password, or by tokens (Kafka's SASL).
public struct SASLConfig: Sendable, Hashable {
    /// How the client says who it is (`sasl.mechanism`).
    public struct Mechanism: Sendable, Hashable, CustomStringConvertible {
        /// Kafka's name of the mechanism.
        public let description: String

        /// The password is sent as it is: use it with TLS.
        public static let plain = Mechanism(description: "PLAIN")
        /// A challenge with SHA-256. Debian's librdkafka 2.0.2 is refused by Kafka 4 with it.
        public static let scramSHA256 = Mechanism(description: "SCRAM-SHA-256")
        /// A challenge with SHA-512. Debian's librdkafka 2.0.2 is refused by Kafka 4 with it.
        public static let scramSHA512 = Mechanism(description: "SCRAM-SHA-512")
        /// A token of an identity provider; see ``SASLConfig/oauthBearer(_:)``. Tokens are sent as they are: use it
        /// with TLS.
        public static let oauthBearer = Mechanism(description: "OAUTHBEARER")
    }

    /// How the client says who it is (`sasl.mechanism`). Required.
    public var mechanism: Mechanism
    /// The user (`sasl.username`). Required; empty for ``Mechanism/oauthBearer``.
    public var username: String
    /// The password (`sasl.password`). Required; empty for ``Mechanism/oauthBearer``.
    public var password: Secret
    /// Where tokens come from. Needed for ``Mechanism/oauthBearer``, and `nil` for all others.
    public var tokens: OAuthBearerTokens?

    /// User `username` with `password`, proven by `mechanism`.
    public init(mechanism: Mechanism, username: String, password: Secret) {
        self.mechanism = mechanism
        self.username = username
        self.password = password
        tokens = nil
    }

    /// Authentication by tokens of an identity provider.
    public static func oauthBearer(_ tokens: OAuthBearerTokens) -> SASLConfig {
        var config = SASLConfig(mechanism: .oauthBearer, username: "", password: "")
        config.tokens = tokens
        return config
    }
}

extension SecurityConfig {
    package func check(_ checks: inout ConfigurationChecks) {
        sasl?.check(&checks)
        guard let tls else { return }
        tls.certificateAuthorities?.check("security.tls.certificateAuthorities", &checks)
        tls.clientCertificate?.certificate.check("security.tls.clientCertificate.certificate", &checks)
        tls.clientCertificate?.key.check("security.tls.clientCertificate.key", &checks)
    }
}

extension SASLConfig {
    fileprivate func check(_ checks: inout ConfigurationChecks) {
        guard mechanism == .oauthBearer else {
            checks.requireText(username, "security.sasl.username", "a user name is required")
            checks.require(
                !password.value.isEmpty,
                "security.sasl.password",
                got: "an empty one",
                "a password is required"
            )
            checks.require(tokens == nil, "security.sasl.tokens", got: "some", "are for the mechanism OAUTHBEARER")
            return
        }
        checks.require(username.isEmpty, "security.sasl.username", got: "\"\(username)\"", "OAUTHBEARER has none")
        checks.require(password.value.isEmpty, "security.sasl.password", got: "<redacted>", "OAUTHBEARER has none")
        guard let tokens else {
            checks.fail("security.sasl.tokens", got: "nil", "OAUTHBEARER needs tokens: use SASLConfig.oauthBearer")
            return
        }
        checks.requirePositive(tokens.timeout, "security.sasl.tokens.timeout")
        tokens.backoff.check(&checks, field: "security.sasl.tokens.backoff")
    }
}

extension TLSConfig.Source {
    fileprivate func check(_ field: String, _ checks: inout ConfigurationChecks) {
        switch self {
        case .file(let path): checks.requireText(path, field, "the path of a file is required")
        case .pem(let text): checks.require(!text.value.isBlank, field, got: "an empty text", "PEM text is required")
        }
    }
}
