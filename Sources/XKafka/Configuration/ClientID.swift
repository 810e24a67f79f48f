/// Names for clients that nobody named.
enum ClientID {
    /// `xkafka-` and 8 random hexadecimal digits.
    static func random() -> String {
        let digits = String(UInt32.random(in: .min ... .max), radix: 16)
        return "xkafka-" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}
