#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A token that a client shows to the brokers (Kafka's SASL mechanism OAUTHBEARER).
public struct OAuthBearerToken: Sendable, Hashable {
    /// The token itself, such as a signed JWT.
    public var value: Secret

    /// Until when it is valid, for a JWT its claim `exp`. A new one is asked for after four fifths of the time until
    /// then.
    public var expiration: Date

    /// Whose token it is, for a JWT its claim `sub`. It shows in librdkafka's log lines only. Default empty.
    public var principal: String

    /// What is sent beside the token, as RFC 7628 has it. Keys have ASCII letters only, and are not `auth`. Default:
    /// nothing.
    public var extensions: [String: String]

    /// A token that is valid until `expiration`.
    public init(_ value: Secret, expiration: Date, principal: String = "", extensions: [String: String] = [:]) {
        self.value = value
        self.expiration = expiration
        self.principal = principal
        self.extensions = extensions
    }
}

/// Where the tokens for OAUTHBEARER come from.
///
/// ```swift
/// let tokens = OAuthBearerTokens {
///     let answer = try await identityProvider.token(scope: "kafka")
///     return OAuthBearerToken(Secret(answer.accessToken), expiration: answer.expiration)
/// }
/// config.security = SecurityConfig(tls: TLSConfig(), sasl: .oauthBearer(tokens))
/// ```
///
/// Each client (a consumer, a producer, the producer of dead letters, and the short-lived ones that ask for offsets)
/// asks for tokens of its own, one at a time.
public final class OAuthBearerTokens: Sendable {
    /// The default of ``timeout``, 30 s.
    public static let defaultTimeout = Duration.seconds(30)

    /// How long getting a token may take before it is cancelled and counts as failed. Default 30 s.
    public let timeout: Duration

    /// The pauses after failures. By default from 1 s to 30 s; `maxRetries` has no meaning here.
    public let backoff: RetryConfig

    package let fetch: @Sendable () async throws -> OAuthBearerToken

    /// Tokens that `fetch` gets.
    ///
    /// - Parameters:
    ///   - timeout: how long that may take.
    ///   - backoff: the pauses after failures.
    ///   - fetch: called on a task of its own, when a client is made and before its token expires. When it throws, it is
    ///     called again after a pause, and a warning is logged; connections that exist go on. A `PermanentError` is
    ///     final: the client fails as with a wrong password.
    public init(
        timeout: Duration = OAuthBearerTokens.defaultTimeout,
        backoff: RetryConfig = RetryConfig(initialBackoff: .seconds(1), maxBackoff: .seconds(30)),
        fetch: @escaping @Sendable () async throws -> OAuthBearerToken
    ) {
        self.timeout = timeout
        self.backoff = backoff
        self.fetch = fetch
    }
}

extension OAuthBearerTokens: Hashable {
    /// Whether they are the same object.
    public static func == (left: OAuthBearerTokens, right: OAuthBearerTokens) -> Bool { left === right }

    /// Feeds the identity into `hasher`.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ObjectIdentifier(self))
    }
}

/// What is wrong with a token, or why there is none.
public struct OAuthBearerTokenError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong, in words; nothing of the token.
    public let description: String

    package init(_ description: String) {
        self.description = description
    }
}

extension OAuthBearerToken {
    /// Checks what librdkafka would check, but in words that tell nothing secret, and what it would cut off.
    package func check() throws(OAuthBearerTokenError) {
        let visible = UInt8(ascii: "!")...UInt8(ascii: "~")
        guard !value.value.isEmpty, value.value.utf8.allSatisfy(visible.contains) else {
            throw OAuthBearerTokenError("a token consists of visible ASCII characters")
        }
        guard principal.utf8.allSatisfy({ $0 >= 0x20 }) else {
            throw OAuthBearerTokenError("the principal of a token has no control characters")
        }
        guard expiration > Date() else { throw OAuthBearerTokenError("the token has expired already") }
        for (key, text) in extensions {
            guard !key.isEmpty, key != "auth", key.allSatisfy({ $0.isASCII && $0.isLetter }) else {
                throw OAuthBearerTokenError("the key of an extension has ASCII letters only, and is not auth")
            }
            let mayBe: (UInt8) -> Bool = { visible.contains($0) || [0x20, 0x09, 0x0d, 0x0a].contains($0) }
            guard text.utf8.allSatisfy(mayBe) else {
                throw OAuthBearerTokenError("the value of the extension \(key) has ASCII characters only")
            }
        }
    }
}
