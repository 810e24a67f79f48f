import CKafka
import Synchronization
import XKafkaCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Gets tokens for a client when librdkafka asks for one.
///
/// librdkafka asks on its background thread, where nothing may wait; the user's function runs on a task. It asks again
/// only after it was given a token, so failures are tried again here. It is not told of those that may pass: it would
/// take each for the end of the authentication, although the old token may be good for long.
///
///     idle -> fetching -> idle       (a token was given, or there will be none)
///     idle, fetching -> stopped      (for good; the client may not be used any more)
package final class TokenRefresher: Sendable {
    /// `@unchecked Sendable`: the pointer is only used with the lock held, until `stop` takes it away.
    private struct State: @unchecked Sendable {
        var client: OpaquePointer?
        var isStopped = false
        var task: Task<Void, Never>?
    }

    private let tokens: OAuthBearerTokens
    private let onFailure: @Sendable (any Error, Duration?) -> Void
    private let state = Mutex(State())

    init?(_ properties: ClientProperties) {
        guard let tokens = properties.tokens else { return nil }
        self.tokens = tokens
        onFailure = properties.onTokenFailure ?? { _, _ in }
    }

    /// Lets librdkafka ask from now on.
    func start(_ client: OpaquePointer) throws(KafkaError) {
        state.withLock { $0.client = client }
        let error = rd_kafka_sasl_background_callbacks_enable(client)
        try KafkaError.check(consuming: error, "authenticate by tokens")
    }

    /// Gives up what is under way. Nothing touches the client once this has returned.
    func stop() {
        let task = state.withLock { state in
            state.isStopped = true
            state.client = nil
            defer { state.task = nil }
            return state.task
        }
        task?.cancel()
    }

    /// Called by librdkafka, on a thread of its own.
    func refresh() {
        state.withLock { state in
            guard !state.isStopped, state.task == nil else { return }
            state.task = Task { [weak self] in await self?.fetch() }
        }
    }

    private func fetch() async {
        var random = SystemRandomNumberGenerator()
        var attempt = 1
        while !Task.isCancelled {
            do {
                let token = try await fetchInTime()
                try token.check()
                try give(token)
                return
            } catch {
                if Task.isCancelled { return }
                if error is any PermanentError {
                    onFailure(error, nil)
                    return giveUp(error)
                }
                let pause = tokens.backoff.pause(afterAttempt: attempt, using: &random)
                onFailure(error, pause)
                try? await Task.sleep(for: pause)
                attempt += 1
            }
        }
    }

    /// Does not wait longer than the limit, even for a function that ignores its cancellation.
    private func fetchInTime() async throws -> OAuthBearerToken {
        let outcome = OneShot<Result<OAuthBearerToken, any Error>>()
        let (fetch, limit) = (tokens.fetch, tokens.timeout)
        let fetching = Task {
            do {
                outcome.resolve(.success(try await fetch()))
            } catch {
                outcome.resolve(.failure(error))
            }
        }
        let timer = Task {
            try await Task.sleep(for: limit)
            outcome.resolve(.failure(OAuthBearerTokenError("getting a token took longer than \(limit)")))
        }
        defer {
            fetching.cancel()
            timer.cancel()
        }
        return try await outcome.wait().get()
    }

    private func give(_ token: OAuthBearerToken) throws {
        let milliseconds = token.expiration.timeIntervalSince1970 * 1_000
        let extensions = token.extensions.flatMap { [$0.key, $0.value] }
        try state.withLock { state in
            guard let client = state.client else { return }
            let refusal: String? = withErrorText { text, size in
                withCStrings(extensions) { extensions in
                    let result = rd_kafka_oauthbearer_set_token(
                        client,
                        token.value.value,
                        Int64(exactly: milliseconds.rounded(.down)) ?? .max,
                        token.principal,
                        extensions.baseAddress,
                        extensions.count,
                        text,
                        size
                    )
                    return result == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : String(cString: text)
                }
            }
            if let refusal {
                // librdkafka repeats values in some texts.
                let isTelling = refusal.contains(token.value.value)
                throw OAuthBearerTokenError(isTelling ? "librdkafka does not take the token" : refusal)
            }
            state.task = nil
        }
    }

    private func giveUp(_ error: any Error) {
        state.withLock { state in
            if let client = state.client { rd_kafka_oauthbearer_set_token_failure(client, "\(error)") }
            // librdkafka asks once more, 10 s later.
            state.task = nil
        }
    }
}

/// Lends texts as an array of C strings, as librdkafka takes them.
private func withCStrings<Result>(
    _ texts: [String],
    _ body: (UnsafeMutableBufferPointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
    let copies = texts.map { text in
        let bytes = text.utf8CString
        let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
        _ = copy.initialize(fromContentsOf: bytes)
        return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    var pointers = copies.map { $0.baseAddress.map { UnsafePointer($0) } }
    return pointers.withUnsafeMutableBufferPointer { body($0) }
}
