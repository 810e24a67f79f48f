/// Short inputs that announce a lot.
enum HugeInputs {
    static let all: [String: [[UInt8]]] = [
        "commit-metadata": [
            metadata(0, "xk1r" + runs([1, 1 << 62])),
            metadata(0, "xk1r" + runs([1 << 62, (1 << 62) - 1])),
            metadata(.max - 10, "xk1r" + runs([1, 5])),
            metadata(.max - 10, "xk1r" + runs([1, .max])),
            metadata(0, "xk1r" + runs(Array(repeating: 1 << 50, count: 64))),
            metadata(.max - 1_000, "xk1b" + String(repeating: "_", count: 100)),
            // As large as a broker takes by default: a bit, and two offsets, for each range.
            metadata(7, "xk1b" + String(repeating: "q", count: 4_092)),
            metadata(7, "xk1r" + String(repeating: "AQEB", count: 1_023)),
        ],
        "checkpoint-file": [
            Array("xkafka-offsets 1\nend 9223372036854775807 0000000000000000\n".utf8),
            Array("orders\t2147483647\t9223372036854775807\txk1r\(runs([0, 1 << 62]))\n".utf8),
            Array("orders\t0\t0\txk1r\(runs([1, 1 << 62]))\n".utf8),
            Array("orders\t99999999999\t99999999999999999999\t\n".utf8),
        ],
        "headers": [[255, 254], [255, 255, 0], [0, 255, 255, 254, 65]],
        "trace-context": [
            Array("ff-00000000000000000000000000000000-0000000000000000-00".utf8),
            Array(String(repeating: "f", count: 100_000).utf8),
            Array(
                ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\n" + String(repeating: "a=b,", count: 50_000))
                    .utf8
            ),
        ],
        "configuration": [
            lines(["processing.shardCount=9223372036854775807", "processing.shardQueueSize=#9223372036854775807"]),
            lines(["processing.byteBudget=9223372036854775807", "offsetMetadataLimit=9223372036854775807"]),
            lines(["processing.drainDeadline=99999999999s", "sessionTimeout=1157407d", "partitions=2147483647"]),
            lines(["batchMessages=9223372036854775807", "dispatch.queueSize=9223372036854775807", "linger=1e300s"]),
        ],
    ]

    private static func lines(_ lines: [String]) -> [UInt8] {
        Array((["brokers=a:1", "groupID=g", "topics=t", "topic=t"] + lines).joined(separator: "\n").utf8)
    }

    private static func metadata(_ frontier: Int64, _ text: String) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: frontier >> ($0 * 8)) } + Array(text.utf8)
    }

    /// Numbers as LEB128, in base64 for URLs.
    private static func runs(_ numbers: [Int64]) -> String {
        var bytes: [UInt8] = []
        for number in numbers {
            var rest = UInt64(number)
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        let bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
        return String(
            stride(from: 0, to: bits.count, by: 6).map { start in
                alphabet[(0..<6).reduce(0) { $0 << 1 | Int(start + $1 < bits.count ? bits[start + $1] : 0) }]
            }
        )
    }
}
