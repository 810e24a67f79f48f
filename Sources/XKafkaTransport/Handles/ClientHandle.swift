import CKafka
package import XKafkaCore

/// Owns one librdkafka client.
///
/// `@unchecked Sendable`: librdkafka's client is thread-safe. What must be called from one thread
/// only is said at the type that offers it. The pointer is set once and valid until `destroy`,
/// which the owner calls last, from one place.
package final class ClientHandle: @unchecked Sendable {
    package let pointer: OpaquePointer
    /// Gets tokens, if the client shows any. librdkafka refers to it until the client is destroyed.
    private let tokens: TokenRefresher?

    /// Makes a client. Nothing connects before it is used, unless the properties name brokers: then
    /// librdkafka's threads start to connect in the background.
    package init(_ kind: ClientKind, _ properties: ClientProperties, events: Int32) throws(KafkaError) {
        var configuration = ConfigurationHandle()
        if let problem = configuration.apply(properties).first {
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "configure the client", text: problem.rule)
        }
        configuration.enableEvents(events)
        tokens = TokenRefresher(properties)
        if let tokens { configuration.enableTokens(from: tokens) }
        pointer = try configuration.makeClient(kind)
        do throws(KafkaError) {
            try tokens?.start(pointer)
        } catch {
            destroy()
            throw error
        }
    }

    /// The fatal error this client has met, if any.
    package var fatalError: KafkaError? {
        withErrorText { text, size in
            let code = rd_kafka_fatal_error(pointer, text, size)
            return code == RD_KAFKA_RESP_ERR_NO_ERROR
                ? nil : KafkaError(code, "use the client", text: String(cString: text), isFatal: true)
        }
    }

    /// Frees the client and ends its threads. It can take as long as a broker request does; the
    /// client must not be used any more, by anybody.
    package func destroy() {
        tokens?.stop()
        rd_kafka_destroy(pointer)
    }

    /// The same for a consumer that never joined its group: there is nothing to leave, which librdkafka would
    /// otherwise try, and can get stuck in.
    package func destroyUnused() {
        tokens?.stop()
        rd_kafka_destroy_flags(pointer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
    }
}

/// Lends a buffer of the size librdkafka's documentation recommends for error texts.
package func withErrorText<Result>(_ body: (UnsafeMutablePointer<CChar>, Int) -> Result) -> Result {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
        buffer.initialize(repeating: 0)
        // The capacity is not 0, so there is a base address.
        guard let start = buffer.baseAddress else { preconditionFailure("an allocation of 512 bytes has an address") }
        return body(start, buffer.count)
    }
}
