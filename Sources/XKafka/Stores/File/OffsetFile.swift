import XKafkaCore

/// Reads and writes the file of a ``FileOffsetStore``.
struct OffsetFile: Sendable {
    let path: String
    let files: any FileOperations

    func read() throws -> [TopicPartition: Checkpoint] {
        guard let bytes = try files.read(path) else { return [:] }
        do {
            return try OffsetFileFormat.decode(bytes: bytes)
        } catch let damage as OffsetFileFormat.Damage {
            throw FileOffsetStoreError(
                path: path,
                reason: "\(damage.reason); restore it, or remove it to start without checkpoints"
            )
        }
    }

    func write(_ checkpoints: [TopicPartition: Checkpoint]) throws {
        let newPath = path + ".new"
        try files.write(Array(OffsetFileFormat.encode(checkpoints).utf8), to: newPath)
        try files.replace(path, by: newPath, in: folder)
    }

    private var folder: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
