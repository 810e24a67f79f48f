import XKafkaCore

extension Settings {
    /// Reads the keys of `security`.
    ///
    /// - Parameter tokens: for OAUTHBEARER, as code has to get them.
    mutating func security(_ tokens: OAuthBearerTokens?) -> SecurityConfig {
        SecurityConfig(tls: tls(), sasl: sasl(tokens))
    }

    private mutating func tls() -> TLSConfig? {
        var config = TLSConfig()
        config.certificateAuthorities = source("security.tls.certificateAuthorities")
        config.clientCertificate = clientCertificate()
        read("security.tls.verifiesHostname", into: &config.verifiesHostname)
        let isMentioned =
            config != TLSConfig()
            || ["verifiesHostname", "clientCertificate.keyPassword"].contains {
                text("security.tls.\($0)", isSecret: true) != nil
            }

        var isEnabled = isMentioned
        read("security.tls.enabled", into: &isEnabled)
        if isMentioned, !isEnabled {
            fail("security.tls.enabled", got: "false", "must be true, or other keys of security.tls must be removed")
        }
        return isEnabled || isMentioned ? config : nil
    }

    private mutating func clientCertificate() -> TLSConfig.ClientCertificate? {
        let prefix = "security.tls.clientCertificate"
        let certificate = source("\(prefix).certificate")
        let key = source("\(prefix).key")
        let password = secret("\(prefix).keyPassword")
        switch (certificate, key) {
        case (let certificate?, let key?):
            return TLSConfig.ClientCertificate(certificate: certificate, key: key, keyPassword: password)
        case (nil, nil):
            if password != nil {
                fail("\(prefix).key", got: "nothing", "is required beside keyPassword: set .file or .pem")
            }
            return nil
        case (nil, _?):
            fail("\(prefix).certificate", got: "nothing", "is required beside the key: set .file or .pem")
            return nil
        case (_?, nil):
            fail("\(prefix).key", got: "nothing", "is required beside the certificate: set .file or .pem")
            return nil
        }
    }

    private mutating func source(_ key: String) -> TLSConfig.Source? {
        switch (text("\(key).file"), secret("\(key).pem")) {
        case (nil, nil): return nil
        case (let path?, nil): return .file(path)
        case (nil, let pem?): return .pem(pem)
        case (_?, _?):
            fail(key, got: "both", "must have .file or .pem, not both")
            return nil
        }
    }

    private mutating func sasl(_ tokens: OAuthBearerTokens?) -> SASLConfig? {
        let (username, password) = (text("security.sasl.username"), secret("security.sasl.password"))
        var mechanism = tokens == nil ? SASLConfig.Mechanism.plain : .oauthBearer
        if text("security.sasl.mechanism") == nil {
            if username != nil || password != nil {
                fail("security.sasl.mechanism", got: "nothing", "is required beside username and password")
            }
            return tokens.map { .oauthBearer($0) }
        }
        read("security.sasl.mechanism", into: &mechanism, from: [.plain, .scramSHA256, .scramSHA512, .oauthBearer])
        if mechanism == .oauthBearer, tokens == nil {
            fail("security.sasl.mechanism", got: "\"OAUTHBEARER\"", "needs tokens, which code gives: pass tokens")
        }
        var config = SASLConfig(mechanism: mechanism, username: username ?? "", password: password ?? "")
        config.tokens = mechanism == .oauthBearer ? tokens : nil
        return config
    }
}
