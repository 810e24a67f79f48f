/// An error that Kafka or librdkafka reported.
public struct KafkaError: Error, Sendable, Hashable {
    /// librdkafka's error code (`rd_kafka_resp_err_t`): positive ones are Kafka's own, negative
    /// ones are local to librdkafka.
    public struct Code: RawRepresentable, Sendable, Hashable, Codable {
        /// The number.
        public let rawValue: Int32

        /// The code with this number; unknown numbers are fine.
        public init(rawValue: Int32) {
            self.rawValue = rawValue
        }
    }

    /// What can be done about an error.
    public enum Class: Sendable, Hashable {
        /// Trying again later may well succeed.
        case retriable
        /// Trying the same again will fail again.
        case permanent
        /// The client that reported it cannot be used any more.
        case fatal
    }

    /// librdkafka's code.
    public let code: Code

    /// The name of the code, such as `NOT_LEADER_FOR_PARTITION` or `_TRANSPORT`.
    public let name: String

    /// librdkafka's own words, with details where it gives any.
    public let text: String

    /// What can be done about it.
    public let errorClass: Class

    /// What was being done, such as `subscribe`.
    public let operation: String

    /// For a message that could not be sent: whether the log may hold it nevertheless, because a request
    /// with it went out and was not answered. Sending it again may then give a second copy.
    public package(set) var isPossiblyPersisted = false

    /// An error as librdkafka reported it while `operation` was done.
    public init(code: Code, name: String, text: String, errorClass: Class, operation: String) {
        self.code = code
        self.name = name
        self.text = text
        self.errorClass = errorClass
        self.operation = operation
    }
}

extension KafkaError: CustomStringConvertible {
    /// `operation: text (NAME, class)`
    public var description: String { "\(operation): \(text) (\(name), \(errorClass))" }
}
