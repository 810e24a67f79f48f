/// Everything that is wrong with a configuration, all at once.
public struct ConfigurationError: Error, Sendable, Hashable {
    /// One thing that is wrong.
    public struct Problem: Sendable, Hashable, CustomStringConvertible {
        /// The field, as it is spelled in the configuration, such as `security.sasl`.
        public let field: String

        /// The value it has; never that of a secret.
        public let value: String

        /// The rule it breaks, in words that say what to write instead.
        public let rule: String

        /// A broken rule.
        public init(field: String, value: String, rule: String) {
            self.field = field
            self.value = value
            self.rule = rule
        }

        /// `field: rule, got value`
        public var description: String { "\(field): \(rule), got \(value)" }
    }

    /// The name of the configuration type, such as `GroupConsumerConfig`.
    public let configuration: String

    /// The problems, in the order of the fields. Never empty.
    public let problems: [Problem]

    /// An error that lists `problems` of `configuration`.
    public init(configuration: String, problems: [Problem]) {
        self.configuration = configuration
        self.problems = problems
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// A line for each problem.
    public var description: String {
        let lines = problems.map { "\n- \($0)" }.joined()
        return "\(configuration) has \(problems.count) problem\(problems.count == 1 ? "" : "s"):\(lines)"
    }
}
