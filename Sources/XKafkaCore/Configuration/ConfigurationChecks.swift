/// Collects the problems of one configuration, so that `validate()` reports all of them at once.
package struct ConfigurationChecks {
    private let configuration: String
    package private(set) var problems: [ConfigurationError.Problem] = []

    package init(of configuration: String) {
        self.configuration = configuration
    }

    package mutating func require(
        _ isMet: Bool,
        _ field: String,
        got value: @autoclosure () -> some Any,
        _ rule: String
    ) {
        if !isMet {
            fail(field, got: value(), rule)
        }
    }

    package mutating func fail(_ field: String, got value: some Any, _ rule: String) {
        problems.append(.init(field: field, value: "\(value)", rule: rule))
    }

    package mutating func requireText(_ text: String, _ field: String, _ rule: String) {
        require(!text.isBlank, field, got: "\"\(text)\"", rule)
    }

    package mutating func requirePositive(_ number: Int, _ field: String) {
        require(number > 0, field, got: number, "must be greater than 0")
    }

    package mutating func requirePositive(_ duration: Duration, _ field: String) {
        require(duration > .zero, field, got: duration, "must be greater than 0")
    }

    /// librdkafka takes most times as milliseconds in 32 bits.
    package mutating func requireMilliseconds(_ duration: Duration, _ field: String, in range: ClosedRange<Duration>) {
        require(
            range.contains(duration),
            field,
            got: duration,
            "must be at least \(range.lowerBound) and at most \(range.upperBound)"
        )
    }

    /// Checks `brokers`: at least one, none blank, each `host:port` or `host`.
    package mutating func requireBrokers(_ brokers: [String]) {
        require(!brokers.isEmpty, "brokers", got: brokers, "brokers are required")
        for broker in brokers where broker.isBlank || broker.contains(where: { $0 == "," || $0.isWhitespace }) {
            fail("brokers", got: "\"\(broker)\"", "each must be one address, host:port")
        }
    }

    /// Throws everything that was collected; returns when that is nothing.
    package consuming func finish() throws(ConfigurationError) {
        guard problems.isEmpty else {
            throw ConfigurationError(configuration: configuration, problems: problems)
        }
    }
}

extension String {
    /// Whether there is nothing but white space.
    package var isBlank: Bool { allSatisfy(\.isWhitespace) }
}
