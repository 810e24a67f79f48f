package import XKafkaCore
import XKafkaWorkers

/// The text of a file of checkpoints. A value: what reads and writes files is elsewhere.
///
///     xkafka-offsets 1
///     orders<TAB>0<TAB>1042<TAB>xk1rAgM
///     orders<TAB>1<TAB>77<TAB>
///     end 2 9c1f0b2ad4e8a6f3
///
/// One line for each partition: topic, partition, next offset, and what is completed beyond it. The last
/// line counts them and carries a checksum (FNV-1a, 64 bits) of everything before it, so that a file that was
/// cut, or is not ours, is recognised and never taken for an empty one.
package enum OffsetFileFormat {
    package static let firstLine = "xkafka-offsets 1"

    package static func encode(_ checkpoints: [TopicPartition: Checkpoint]) -> String {
        var text = firstLine + "\n"
        for (partition, checkpoint) in checkpoints.sorted(by: { $0.key < $1.key }) {
            let fields = [
                partition.topic, "\(partition.partition)", "\(checkpoint.nextOffset)", checkpoint.completedText,
            ]
            text += fields.joined(separator: "\t") + "\n"
        }
        return text + "end \(checkpoints.count) \(checksum(text))\n"
    }

    /// Reads the bytes of a file; throws for anything but the UTF-8 of what ``encode(_:)`` wrote, with the reason.
    package static func decode(bytes: [UInt8]) throws(Damage) -> [TopicPartition: Checkpoint] {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Damage("it is not a text") }
        return try decode(text)
    }

    /// Reads what ``encode(_:)`` wrote; throws for anything else, with the reason.
    package static func decode(_ text: String) throws(Damage) -> [TopicPartition: Checkpoint] {
        // Bytes, not characters: a carriage return before the line feed would be one character with it.
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let first = lines.first, String(first) == firstLine else {
            throw Damage("it does not begin as a file of offsets does")
        }
        guard lines.count >= 3, let end = lines.last, end.isEmpty, let last = String(lines[lines.count - 2]) else {
            throw Damage("its end is missing")
        }
        let body = lines[1..<(lines.count - 2)]
        let covered = text.utf8[..<lines[lines.count - 2].startIndex]
        guard last == "end \(body.count) \(checksum(String(covered) ?? ""))" else {
            throw Damage("its checksum is wrong")
        }
        var checkpoints: [TopicPartition: Checkpoint] = [:]
        for line in body {
            let fields = line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
                String($0) ?? ""
            }
            guard
                fields.count == 4, let number = Int32(fields[1]), number >= 0, let offset = Int64(fields[2]),
                let checkpoint = Checkpoint(nextOffset: offset, completedText: fields[3])
            else { throw Damage("one of its lines makes no sense") }
            checkpoints[TopicPartition(topic: fields[0], partition: number)] = checkpoint
        }
        return checkpoints
    }

    package struct Damage: Error {
        package let reason: String

        init(_ reason: String) {
            self.reason = reason
        }
    }

    package static func checksum(_ text: String) -> String {
        let hash = Array(text.utf8).withUnsafeBytes { FNV1a.hash64($0) }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
