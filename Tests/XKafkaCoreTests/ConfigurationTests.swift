import Testing
import XKafkaCore

@Suite struct SecretTests {
    @Test func neverShows() {
        let sasl = SASLConfig(mechanism: .plain, username: "ann", password: "hunter2")
        let security = SecurityConfig(
            tls: TLSConfig(
                clientCertificate: .init(certificate: .pem("CERT-X"), key: .pem("KEY-X"), keyPassword: "PASS-X")
            ),
            sasl: sasl
        )
        var dumped = ""
        dump(security, to: &dumped)
        for text in ["\(security)", String(reflecting: security), dumped, "\(sasl.password)"] {
            for secret in ["hunter2", "CERT-X", "KEY-X", "PASS-X"] {
                #expect(!text.contains(secret))
            }
        }
        #expect("\(sasl)".contains("<redacted>"))

        var properties = ClientProperties()
        properties.setConnection(brokers: ["a:1"], clientID: "c", security: security)
        #expect(properties.properties.contains { $0.value == "hunter2" }, "librdkafka gets it")
        #expect(!"\(properties.properties)".contains("hunter2"))
    }
}

@Suite struct SecurityConfigTests {
    private func value(_ name: String, _ security: SecurityConfig) -> String? {
        var properties = ClientProperties()
        properties.setConnection(brokers: ["a:1"], clientID: "c", security: security)
        return properties.properties.last { $0.name == name }?.value
    }

    @Test func protocolFollowsFromBoth() {
        let sasl = SASLConfig(mechanism: .scramSHA512, username: "u", password: "p")
        #expect(value("security.protocol", .plaintext) == "plaintext")
        #expect(value("security.protocol", SecurityConfig(tls: TLSConfig())) == "ssl")
        #expect(value("security.protocol", SecurityConfig(sasl: sasl)) == "sasl_plaintext")
        #expect(value("security.protocol", SecurityConfig(tls: TLSConfig(), sasl: sasl)) == "sasl_ssl")
        #expect(value("sasl.mechanism", SecurityConfig(sasl: sasl)) == "SCRAM-SHA-512")
    }

    @Test func hostnamesAreVerifiedUnlessToldOtherwise() {
        let name = "ssl.endpoint.identification.algorithm"
        #expect(value(name, SecurityConfig(tls: TLSConfig())) == "https")
        #expect(value(name, SecurityConfig(tls: TLSConfig(verifiesHostname: false))) == "none")
    }

    @Test func tokensReplaceThePassword() {
        let tokens = OAuthBearerTokens { throw CancellationError() }
        let security = SecurityConfig(tls: TLSConfig(), sasl: .oauthBearer(tokens))
        #expect(value("sasl.mechanism", security) == "OAUTHBEARER")
        #expect(value("security.protocol", security) == "sasl_ssl")
        #expect(value("sasl.username", security) == nil)
        var checks = ConfigurationChecks(of: "Test")
        security.check(&checks)
        #expect(checks.problems.isEmpty)
        #expect(security == SecurityConfig(tls: TLSConfig(), sasl: .oauthBearer(tokens)))
        #expect(
            security != SecurityConfig(tls: TLSConfig(), sasl: .oauthBearer(OAuthBearerTokens(fetch: tokens.fetch)))
        )
    }

    @Test func tokensAndPasswordsDoNotMix() {
        let tokens = OAuthBearerTokens(timeout: .zero, backoff: RetryConfig(multiplier: 0)) {
            throw CancellationError()
        }
        var mixed = SASLConfig.oauthBearer(tokens)
        mixed.username = "ann"
        mixed.password = "hunter2"
        var checks = ConfigurationChecks(of: "Test")
        SecurityConfig(sasl: mixed).check(&checks)
        SecurityConfig(sasl: SASLConfig(mechanism: .oauthBearer, username: "", password: "")).check(&checks)
        mixed.mechanism = .plain
        SecurityConfig(sasl: mixed).check(&checks)
        #expect(
            checks.problems.map(\.field) == [
                "security.sasl.username", "security.sasl.password", "security.sasl.tokens.timeout",
                "security.sasl.tokens.backoff.multiplier", "security.sasl.tokens", "security.sasl.tokens",
            ]
        )
        #expect(!"\(checks.problems)".contains("hunter2"))
    }

    @Test func reportsEveryProblemWithoutSecrets() throws {
        var checks = ConfigurationChecks(of: "Test")
        SecurityConfig(
            tls: TLSConfig(
                certificateAuthorities: .file(" "),
                clientCertificate: .init(certificate: .pem(""), key: .file(""))
            ),
            sasl: SASLConfig(mechanism: .plain, username: "", password: "")
        ).check(&checks)
        #expect(
            checks.problems.map(\.field) == [
                "security.sasl.username", "security.sasl.password", "security.tls.certificateAuthorities",
                "security.tls.clientCertificate.certificate", "security.tls.clientCertificate.key",
            ]
        )
    }
}

@Suite struct RetryConfigTests {
    @Test func backoffDoublesUpToTheLongest() {
        let retry = RetryConfig()
        let pauses = (1...9).map { retry.backoff(afterAttempt: $0) }
        #expect(pauses == [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000].map { .milliseconds($0) })
        #expect(retry.backoff(afterAttempt: .max) == .seconds(10))
        #expect(RetryConfig(multiplier: 1e300).backoff(afterAttempt: 50) == .seconds(10))
        #expect(RetryConfig(multiplier: 1).backoff(afterAttempt: .max) == .milliseconds(100))
    }

    @Test func jitterStaysBetweenHalfAndAll() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1_000 {
            let pause = RetryConfig().pause(afterAttempt: 3, using: &random)
            #expect((Duration.milliseconds(200)...Duration.milliseconds(400)).contains(pause))
        }
        #expect(RetryConfig(jitter: false).pause(afterAttempt: 3, using: &random) == .milliseconds(400))
    }

    @Test func exhaustion() {
        #expect(!RetryConfig().isExhausted(afterAttempt: .max))
        #expect(RetryConfig(maxRetries: 0).isExhausted(afterAttempt: 1))
        #expect(!RetryConfig(maxRetries: 3).isExhausted(afterAttempt: 3))
        #expect(RetryConfig(maxRetries: 3).isExhausted(afterAttempt: 4))
    }

    @Test func everyBrokenRuleIsReported() {
        var checks = ConfigurationChecks(of: "Test")
        RetryConfig(maxRetries: -2, initialBackoff: .zero, maxBackoff: .seconds(-1), multiplier: .nan).check(&checks)
        #expect(
            checks.problems.map(\.field) == [
                "retry.maxRetries", "retry.initialBackoff", "retry.maxBackoff", "retry.maxBackoff", "retry.multiplier",
            ]
        )
    }
}

@Suite struct DurationTests {
    @Test func millisecondsRoundUpAndSaturate() {
        #expect(Duration.nanoseconds(1).wholeMilliseconds == 1)
        #expect(Duration.milliseconds(1_500).wholeMilliseconds == 1_500)
        #expect(Duration.zero.wholeMilliseconds == 0)
        #expect(Duration.seconds(Int64.max).wholeMilliseconds == .max)
    }
}

@Suite struct ConfigurationErrorTests {
    @Test func namesEachFieldValueAndRule() {
        let error = #expect(throws: ConfigurationError.self) {
            var checks = ConfigurationChecks(of: "TestConfig")
            checks.requireBrokers([])
            checks.requirePositive(0, "shardCount")
            try checks.finish()
        }
        #expect(
            error?.description == """
                TestConfig has 2 problems:
                - brokers: brokers are required, got []
                - shardCount: must be greater than 0, got 0
                """
        )
    }

    @Test func brokersAreSingleAddresses() {
        var checks = ConfigurationChecks(of: "TestConfig")
        checks.requireBrokers(["a:1", "", "b:2,c:3", "d e"])
        #expect(checks.problems.map(\.value) == ["\"\"", "\"b:2,c:3\"", "\"d e\""])
    }
}
