import XKafka
import XKafkaCore
import XKafkaTestingInternal

extension FuzzTarget {
    /// The file of a `FileOffsetStore`: as it is, and, since nearly no change gets past the checksum, once more with a
    /// last line that fits.
    static let checkpointFile = FuzzTarget(name: "checkpoint-file") { bytes in
        for file in [bytes, OffsetFileFormat.sealed(bytes)] {
            guard let checkpoints = try? OffsetFileFormat.decode(bytes: file) else { continue }
            let lines = file.count { $0 == UInt8(ascii: "\n") }
            try promise(checkpoints.count <= lines, "\(checkpoints.count) partitions in \(lines) lines")
            for (partition, checkpoint) in checkpoints {
                try promise(partition.partition >= 0 && checkpoint.nextOffset >= 0, "\(partition) \(checkpoint)")
            }
            let again = try OffsetFileFormat.decode(bytes: Array(OffsetFileFormat.encode(checkpoints).utf8))
            try promise(again == checkpoints, "what is written is read")
        }
    } example: { random in
        var checkpoints: [TopicPartition: Checkpoint] = [:]
        for number in 0..<Int32.random(in: 0...6, using: &random) {
            let topic = ["orders", "päyments", "a b.c-d_e", ""].randomElement(using: &random) ?? ""
            let next = Int64.random(in: 0...(.max / 2), using: &random)
            checkpoints[TopicPartition(topic: topic, partition: number)] = Checkpoint(
                nextOffset: next,
                completed: Bool.random(using: &random) ? [] : randomRanges(from: next, &random)
            )
        }
        return Array(OffsetFileFormat.encode(checkpoints).utf8)
    }
}

extension OffsetFileFormat {
    /// The lines of `bytes` between a first and a last line that fit them.
    fileprivate static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        var lines = String(decoding: bytes, as: UTF8.self).utf8.split(separator: UInt8(ascii: "\n")).map {
            String($0) ?? ""
        }
        if lines.first == firstLine { lines.removeFirst() }
        if lines.last?.hasPrefix("end ") == true { lines.removeLast() }
        let text = firstLine + "\n" + lines.map { $0 + "\n" }.joined()
        return Array("\(text)end \(lines.count) \(checksum(text))\n".utf8)
    }
}
