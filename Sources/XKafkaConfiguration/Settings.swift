import Configuration
import XKafkaCore

/// Reads values from a `ConfigReader` and collects what cannot be read, so that all of it is reported at once.
///
/// Everything is read as a text, so that a value of the wrong form is a problem instead of a default: the reader's own
/// typed methods take what they cannot convert for missing.
struct Settings {
    private let reader: ConfigReader
    private var checks: ConfigurationChecks

    init(_ reader: ConfigReader, of configuration: String) {
        self.reader = reader
        checks = ConfigurationChecks(of: configuration)
    }

    /// Throws everything that was collected; returns when that is nothing.
    consuming func finish() throws(ConfigurationError) {
        try checks.finish()
    }

    /// Collects a problem.
    mutating func fail(_ key: String, got value: String, _ rule: String) {
        checks.fail(key, got: value, rule)
    }

    // MARK: Texts

    /// The value as a text; `nil` when there is none.
    func text(_ key: String, isSecret: Bool = false) -> String? {
        let name = ConfigKey(key)
        if let text = reader.string(forKey: name, isSecret: isSecret) { return text }
        // What a file holds as a number or the like.
        if let number = reader.int(forKey: name, isSecret: isSecret) { return "\(number)" }
        if let number = reader.double(forKey: name, isSecret: isSecret) { return "\(number)" }
        if let answer = reader.bool(forKey: name, isSecret: isSecret) { return "\(answer)" }
        return nil
    }

    /// The values of a list, which a text holds separated by commas; `nil` when there is none.
    func list(_ key: String, isSecret: Bool = false) -> [String]? {
        let name = ConfigKey(key)
        if let list = reader.stringArray(forKey: name, isSecret: isSecret) { return list }
        if let list = reader.intArray(forKey: name, isSecret: isSecret) { return list.map { "\($0)" } }
        return text(key, isSecret: isSecret)?.split(separator: ",", omittingEmptySubsequences: false)
            .map { $0.trimmed }
    }

    func secret(_ key: String) -> Secret? {
        text(key, isSecret: true).map { Secret($0) }
    }

    mutating func requiredText(_ key: String) -> String {
        text(key) ?? missing(key, "")
    }

    mutating func requiredList(_ key: String) -> [String] {
        list(key) ?? missing(key, [])
    }

    private mutating func missing<Value>(_ key: String, _ substitute: Value) -> Value {
        fail(key, got: "nothing", "is required")
        return substitute
    }

    // MARK: Values

    mutating func read<Value: SettingValue>(_ key: String, into value: inout Value) {
        guard let text = text(key)?.trimmed else { return }
        if let read = Value(setting: text) { value = read } else { fail(key, got: "\"\(text)\"", Value.form) }
    }

    mutating func read<Value: SettingValue>(_ key: String, into value: inout Value?) {
        guard text(key) != nil, var read = value ?? Value(setting: Value.example) else { return }
        self.read(key, into: &read)
        value = read
    }

    mutating func read(_ key: String, into value: inout String) {
        value = text(key) ?? value
    }

    mutating func read(_ key: String, into value: inout String?) {
        value = text(key) ?? value
    }

    /// Reads one of several values by its description.
    mutating func read<Value: CustomStringConvertible>(_ key: String, into value: inout Value, from values: [Value]) {
        guard let text = text(key)?.trimmed else { return }
        if let read = values.first(where: { $0.description == text }) {
            value = read
        } else {
            let names = values.map(\.description)
            fail(key, got: "\"\(text)\"", "must be \(names.dropLast().joined(separator: ", ")) or \(names.last ?? "")")
        }
    }

    /// Reads `name=value` entries. They may be secrets.
    mutating func readProperties(_ key: String, into properties: inout [String: String]) {
        guard let entries = list(key, isSecret: true) else { return }
        for entry in entries where !entry.trimmed.isEmpty {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].trimmed.isEmpty else {
                fail(key, got: "<redacted>", "each entry must be name=value")
                continue
            }
            properties[parts[0].trimmed] = parts[1].trimmed
        }
    }
}

extension StringProtocol {
    /// Without white space around it.
    var trimmed: String {
        let start = drop(while: \.isWhitespace)
        let end = start.lastIndex { !$0.isWhitespace }
        return end.map { String(start[...$0]) } ?? ""
    }
}
