package import CKafka
package import XKafkaCore

extension KafkaError {
    /// What librdkafka reports as a bare code.
    package init(_ code: rd_kafka_resp_err_t, _ operation: String, text: String? = nil, isFatal: Bool = false) {
        let code = Code(rawValue: code.rawValue)
        self.init(
            code: code,
            name: code.name,
            text: text ?? code.text,
            errorClass: isFatal ? .fatal : code.errorClass,
            operation: operation
        )
    }

    /// What librdkafka reports as an error object, which is destroyed. `nil` means success.
    package init?(consuming error: OpaquePointer?, _ operation: String) {
        guard let error else { return nil }
        defer { rd_kafka_error_destroy(error) }
        let code = Code(rawValue: rd_kafka_error_code(error).rawValue)
        let errorClass: Class =
            if rd_kafka_error_is_fatal(error) != 0 {
                .fatal
            } else if rd_kafka_error_is_retriable(error) != 0 {
                .retriable
            } else {
                code.errorClass
            }
        self.init(
            code: code,
            name: code.name,
            text: String(cString: rd_kafka_error_string(error)),
            errorClass: errorClass,
            operation: operation
        )
    }

    /// Throws what a call reported as a bare code, unless that is success.
    package static func check(_ code: rd_kafka_resp_err_t, _ operation: String) throws(KafkaError) {
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, operation) }
    }

    /// Throws what a call reported as an error object, unless that is success.
    package static func check(consuming error: OpaquePointer?, _ operation: String) throws(KafkaError) {
        if let error = KafkaError(consuming: error, operation) { throw error }
    }
}

extension KafkaError.Code {
    package var librdkafka: rd_kafka_resp_err_t { rd_kafka_resp_err_t(rawValue: rawValue) }

    /// librdkafka's name of the code, such as `_TRANSPORT`; a code it does not know is shown as a number.
    package var name: String { rd_kafka_err2name(librdkafka).map(String.init(cString:)) ?? "ERR_\(rawValue)" }

    fileprivate var text: String { rd_kafka_err2str(librdkafka).map(String.init(cString:)) ?? "error \(rawValue)" }
}
