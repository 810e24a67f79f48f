import Foundation
import Synchronization
import Testing
import XKafkaCore
import XKafkaTestingInternal
import XKafkaTransport

/// Tokens for OAUTHBEARER, as far as they can be looked at without a broker: the embedded one knows no SASL. The rest
/// is among the tests of a real cluster.
@Suite(.timeLimit(.minutes(1))) struct TokenRefresherTests {
    private static let secret = "SECRET-TOKEN"

    private struct Unavailable: Error {}
    private struct Refused: PermanentError, CustomStringConvertible {
        let description = "client is unknown"
    }

    private let failures = Collector<(error: any Error, pause: Duration?)>()
    private let events = Collector<ProducerEvent>()

    private func client(_ tokens: OAuthBearerTokens) throws -> ProducerClient {
        var properties = ClientProperties()
        let security = SecurityConfig(sasl: .oauthBearer(tokens))
        properties.setConnection(brokers: ["127.0.0.1:1"], clientID: "c", security: security)
        properties.set("log.queue", true)
        properties.onTokenFailure = { [failures] in failures.add(($0, $1)) }
        return try ProducerClient(properties) { [events] in events.add($0) }
    }

    private func token(_ lifetime: TimeInterval = 3_600) -> OAuthBearerToken {
        OAuthBearerToken(Secret(Self.secret), expiration: Date() + lifetime, principal: "ann", extensions: ["id": "7"])
    }

    private func end(_ client: ProducerClient) async {
        client.stop(purgingAt: .now)
        await client.waitUntilStopped()
    }

    @Test func isAskedForAtOnceAndBeforeItExpires() async throws {
        let calls = Collector<Bool>()
        let client = try client(
            OAuthBearerTokens {
                // On a task, so that it may wait.
                calls.add(withUnsafeCurrentTask { $0 != nil })
                return token(2)
            }
        )
        try await calls.wait(forCount: 3)
        #expect(calls.values.allSatisfy { $0 })
        #expect(failures.values.isEmpty)
        await end(client)
        let count = calls.values.count
        try await Task.sleep(for: .seconds(2))
        #expect(calls.values.count == count, "nothing is asked for a client that has ended")
    }

    @Test func consumersAndQuestionsAskToo() async throws {
        let calls = Collector<Bool>()
        let tokens = OAuthBearerTokens {
            calls.add(true)
            return token()
        }
        var properties = ClientProperties()
        properties.setConnection(brokers: [], clientID: "c", security: SecurityConfig(sasl: .oauthBearer(tokens)))
        let handle = try ClientHandle(.consumer, properties, events: 0)
        try await calls.wait(forCount: 1)
        handle.destroyUnused()
    }

    @Test func failuresThatMayPassAreTriedAgain() async throws {
        let calls = Collector<Bool>()
        let backoff = RetryConfig(initialBackoff: .milliseconds(10), maxBackoff: .milliseconds(20), jitter: false)
        let client = try client(
            OAuthBearerTokens(backoff: backoff) {
                calls.add(true)
                if calls.values.count < 4 { throw Unavailable() }
                return token()
            }
        )
        try await calls.wait(forCount: 4)
        #expect(failures.values.map(\.pause) == [.milliseconds(10), .milliseconds(20), .milliseconds(20)])
        #expect(failures.values.allSatisfy { $0.error is Unavailable })
        await end(client)
        #expect(!events.values.contains { $0.isAuthenticationError }, "librdkafka would take it for the end")
    }

    @Test func permanentFailuresAreErrorsOfTheClient() async throws {
        let client = try client(OAuthBearerTokens { throw Refused() })
        try await events.wait(for: "an error") { $0.contains { $0.isAuthenticationError } }
        #expect(failures.values.map(\.pause) == [nil])
        let text = events.values.compactMap(\.errorText).joined()
        #expect(text.contains("client is unknown"))
        await end(client)
    }

    @Test func functionThatDoesNotEndIsNotWaitedFor() async throws {
        let calls = Collector<Bool>()
        let never = OneShot<OAuthBearerToken>()
        let backoff = RetryConfig(initialBackoff: .milliseconds(1))
        let client = try client(
            OAuthBearerTokens(timeout: .milliseconds(50), backoff: backoff) {
                calls.add(true)
                return await never.waitIgnoringCancellation()
            }
        )
        try await calls.wait(forCount: 2)
        #expect(failures.values.first.map { "\($0.error)" } == "getting a token took longer than 0.05 seconds")
        await end(client)
        // For a client that is freed: nothing happens.
        never.resolve(token())
    }

    @Test(arguments: [
        OAuthBearerToken("", expiration: .distantFuture), OAuthBearerToken("a b", expiration: .distantFuture),
        OAuthBearerToken(Secret("\(secret)\u{1}"), expiration: .distantFuture),
        OAuthBearerToken(Secret("\(secret)\0"), expiration: .distantFuture),
        OAuthBearerToken(Secret("\(secret)\u{e9}"), expiration: .distantFuture),
        OAuthBearerToken(Secret(secret), expiration: .distantPast),
        OAuthBearerToken(Secret(secret), expiration: .distantFuture, principal: "a\0b"),
        OAuthBearerToken(Secret(secret), expiration: .distantFuture, extensions: ["auth": "x"]),
        OAuthBearerToken(Secret(secret), expiration: .distantFuture, extensions: ["a-b": "x"]),
        OAuthBearerToken(Secret(secret), expiration: .distantFuture, extensions: ["a": "\(secret)\u{1}"]),
    ])
    func badTokensAreFailures(token: OAuthBearerToken) async throws {
        let client = try client(OAuthBearerTokens { token })
        try await failures.wait(forCount: 1)
        let error = try #require(failures.values.first?.error as? OAuthBearerTokenError)
        #expect(!"\(error)".contains(Self.secret))
        #expect(!"\(token.value)".contains(Self.secret))
        await end(client)
    }

    @Test func tokenThatNeverExpires() async throws {
        let calls = Collector<Bool>()
        let client = try client(
            OAuthBearerTokens {
                calls.add(true)
                return OAuthBearerToken(Secret(Self.secret), expiration: Date(timeIntervalSince1970: 1e300))
            }
        )
        try await calls.wait(forCount: 1)
        await end(client)
    }

    /// Clients that end at any moment of a refresh.
    @Test func endingMeetsRefreshes() async throws {
        for pause in 0..<10 {
            let client = try client(
                OAuthBearerTokens {
                    try await Task.sleep(for: .milliseconds(2))
                    return token()
                }
            )
            try await Task.sleep(for: .microseconds(pause * 500))
            await end(client)
        }
    }
}

extension ProducerEvent {
    fileprivate var isAuthenticationError: Bool {
        if case .error(let error) = self { error.code == .authentication } else { false }
    }

    fileprivate var errorText: String? {
        if case .error(let error) = self { "\(error)" } else { nil }
    }
}
