import CKafka
package import XKafkaCore

/// Owns a librdkafka configuration until a client takes it over.
package struct ConfigurationHandle: ~Copyable {
    private var pointer: OpaquePointer?

    package init() {
        pointer = rd_kafka_conf_new()
        // librdkafka logs to stderr otherwise.
        rd_kafka_conf_set_log_cb(pointer, nil)
    }

    deinit {
        if let pointer { rd_kafka_conf_destroy(pointer) }
    }

    /// Sets all properties, in order, and answers what librdkafka refused, in its own words.
    package mutating func apply(_ properties: ClientProperties) -> [ConfigurationError.Problem] {
        properties.properties.compactMap { property in
            var isKnown = true
            let refusal: String? = withErrorText { text, size in
                let result = rd_kafka_conf_set(pointer, property.name, property.value, text, size)
                isKnown = result != RD_KAFKA_CONF_UNKNOWN
                return result == RD_KAFKA_CONF_OK ? nil : String(cString: text)
            }
            guard let refusal else { return nil }
            return ConfigurationError.Problem(
                field: property.name,
                // A name that was mistyped does not tell whether its value is a secret.
                value: property.isSecret || !isKnown ? "<redacted>" : "\"\(property.value)\"",
                // librdkafka repeats the value in some texts.
                rule: property.isSecret ? "librdkafka does not take this value" : refusal
            )
        }
    }

    /// Chooses which kinds of events arrive on the client's queues.
    package mutating func enableEvents(_ events: Int32) {
        rd_kafka_conf_set_events(pointer, events)
    }

    /// Has tokens for OAUTHBEARER asked from `refresher`, which has to outlive the client.
    package mutating func enableTokens(from refresher: TokenRefresher) {
        rd_kafka_conf_set_oauthbearer_token_refresh_cb(pointer) { _, _, opaque in
            guard let opaque else { return }
            Unmanaged<TokenRefresher>.fromOpaque(opaque).takeUnretainedValue().refresh()
        }
        rd_kafka_conf_set_opaque(pointer, Unmanaged.passUnretained(refresher).toOpaque())
        // A queue of its own: no client has to serve it, and some serve none.
        rd_kafka_conf_enable_sasl_queue(pointer, 1)
    }

    /// Makes a client, which owns the configuration from then on.
    package consuming func makeClient(_ kind: ClientKind) throws(KafkaError) -> OpaquePointer {
        var problem = ""
        let client: OpaquePointer? = withErrorText { text, size in
            let client = rd_kafka_new(kind.librdkafka, pointer, text, size)
            if client == nil { problem = String(cString: text) }
            return client
        }
        guard let client else {
            // librdkafka took nothing; `deinit` frees the configuration.
            throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "create the client", text: problem)
        }
        pointer = nil
        return client
    }
}

extension ClientProperties {
    /// What librdkafka refuses of these properties: each one by itself, and then the rules between
    /// them, which only a client checks. The client made for that connects nowhere and lives for a
    /// moment.
    package func problems(for kind: ClientKind) -> [ConfigurationError.Problem] {
        var configuration = ConfigurationHandle()
        let refused = configuration.apply(withoutConnection())
        guard refused.isEmpty else { return refused }
        do {
            rd_kafka_destroy(try configuration.makeClient(kind))
            return []
        } catch {
            return [ConfigurationError.Problem(field: "properties", value: "these together", rule: error.text)]
        }
    }
}
