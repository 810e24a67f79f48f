/// What the environment says about the cluster an example works on.
public struct ExampleEnvironment: Sendable, Equatable {
    /// `XKAFKA_BROKERS`, addresses separated by commas. Default `127.0.0.1:9092`.
    public var brokers: [String]
    /// `XKAFKA_TOPIC`. Default `xkafka-example`.
    public var topic: String
    /// `XKAFKA_GROUP_ID`. Default `xkafka-example-group`.
    public var groupID: String
    /// `XKAFKA_PARTITION`, at least 0. Default 0.
    public var partition: Int32
    /// `XKAFKA_HTTP_PORT`, from 0, which means any that is free, to 65,535. Default 8080.
    public var httpPort: Int
    /// `XKAFKA_TIMEOUT`, after which the example stops by itself, such as `90s` or `1m30s`. Default 30 s.
    public var timeout: Duration

    /// Reads the variables; a blank one counts as missing.
    public init(_ variables: [String: String]) throws(ExampleError) {
        func text(_ name: String, _ fallback: String) -> String {
            let value = trimmed(variables[name] ?? "")
            return value.isEmpty ? fallback : value
        }
        brokers = text("XKAFKA_BROKERS", "127.0.0.1:9092").split(separator: ",").map { trimmed($0) }
            .filter { !$0.isEmpty }
        guard !brokers.isEmpty else { throw ExampleError("XKAFKA_BROKERS is empty") }
        topic = text("XKAFKA_TOPIC", "xkafka-example")
        groupID = text("XKAFKA_GROUP_ID", "xkafka-example-group")

        let number = text("XKAFKA_PARTITION", "0")
        guard let partition = Int32(number) else {
            throw ExampleError("parse XKAFKA_PARTITION: \"\(number)\" is not a 32-bit number")
        }
        guard partition >= 0 else { throw ExampleError("XKAFKA_PARTITION must be >= 0, got \(partition)") }
        self.partition = partition

        let port = text("XKAFKA_HTTP_PORT", "8080")
        guard let httpPort = UInt16(port) else {
            throw ExampleError("parse XKAFKA_HTTP_PORT: \"\(port)\" is not a number from 0 to 65535")
        }
        self.httpPort = Int(httpPort)

        let time = text("XKAFKA_TIMEOUT", "30s")
        guard let timeout = Duration(parsing: time) else {
            throw ExampleError("parse XKAFKA_TIMEOUT: \"\(time)\" is not a duration such as 500ms, 30s or 1m30s")
        }
        guard timeout > .zero else { throw ExampleError("XKAFKA_TIMEOUT must be > 0, got \(time)") }
        self.timeout = timeout
    }
}

/// What is wrong with how an example was called.
public struct ExampleError: Error, CustomStringConvertible, Equatable {
    /// What is wrong, in words.
    public let description: String

    /// An error with these words.
    public init(_ description: String) {
        self.description = description
    }
}

private func trimmed(_ text: some StringProtocol) -> String {
    let start = text.drop(while: \.isWhitespace)
    let end = start.lastIndex { !$0.isWhitespace }
    return end.map { String(start[...$0]) } ?? ""
}

extension Duration {
    /// Reads a duration as Go writes it: numbers with the units `h`, `m`, `s`, `ms`, `us`, `ns`, one
    /// after the other, with an optional sign in front; `0` needs no unit.
    init?(parsing text: String) {
        var rest = text[...]
        var sign = 1.0
        if let first = rest.first, first == "-" || first == "+" {
            sign = first == "-" ? -1 : 1
            rest.removeFirst()
        }
        if rest == "0" {
            self = .zero
            return
        }
        guard !rest.isEmpty else { return nil }
        var total = Duration.zero
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let value = Double(number), value < 1e12, let scale = Self.units[String(unit)] else { return nil }
            total += scale * (value * sign)
        }
        self = total
    }

    private static let units: [String: Duration] = [
        "h": .seconds(3_600), "m": .seconds(60), "s": .seconds(1), "ms": .milliseconds(1), "us": .microseconds(1),
        "µs": .microseconds(1), "ns": .nanoseconds(1),
    ]
}
