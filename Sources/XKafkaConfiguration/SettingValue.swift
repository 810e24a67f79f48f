/// A value that can be read from a text.
protocol SettingValue: Sendable {
    /// `nil` for a text that is none.
    init?(setting: String)
    /// What texts there are, in words that follow a key.
    static var form: String { get }
    /// A text that is one.
    static var example: String { get }
}

extension Int: SettingValue {
    init?(setting: String) { self.init(setting) }
    static var form: String { "must be a whole number" }
    static var example: String { "0" }
}

extension Int64: SettingValue {
    init?(setting: String) { self.init(setting) }
    static var form: String { "must be a whole number" }
    static var example: String { "0" }
}

extension Double: SettingValue {
    init?(setting: String) { self.init(setting) }
    static var form: String { "must be a number" }
    static var example: String { "0" }
}

extension Bool: SettingValue {
    init?(setting: String) {
        switch setting.lowercased() {
        case "true", "yes", "1": self = true
        case "false", "no", "0": self = false
        default: return nil
        }
    }

    static var form: String { "must be true or false" }
    static var example: String { "false" }
}

extension Duration: SettingValue {
    /// Numbers with units, one after the other: `250ms`, `1.5s`, `1m30s`; `0` needs no unit.
    init?(setting: String) {
        if setting == "0" {
            self = .zero
            return
        }
        var rest = setting[...]
        var total = Duration.zero
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix(while: \.isLetter)
            rest = rest.dropFirst(unit.count)
            // Up to some thousands of years: sums of such times do not trap.
            guard let value = Double(number), let scale = Self.units[String(unit)], value * scale <= 1e11 else {
                return nil
            }
            total += .seconds(value * scale)
            guard total <= .seconds(100_000_000_000) else { return nil }
        }
        self = total
    }

    /// In seconds.
    private static let units: [String: Double] = [
        "d": 86_400, "h": 3_600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9,
    ]

    static var form: String { "must be a time with units, such as 500ms, 30s or 1m30s" }
    static var example: String { "0" }
}
