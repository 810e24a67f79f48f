import Dispatch
public import XKafkaCore

/// Keeps checkpoints in a file, where they survive the process and the machine.
///
/// Each save writes a new file beside the old one, waits until it is on the disk, and puts it in the old
/// one's place at once: whenever the process or the machine stops, the file is the old one or the new one. A
/// file that is damaged, or is something else, is reported by ``loadCheckpoint(_:)`` and never taken for an
/// empty one. Two stores cannot use one file at the same time, in one process or in two: the second fails.
///
/// One file holds any number of partitions; all consumers that use it share one store.
public final class FileOffsetStore: CheckpointStore {
    /// Where the checkpoints are.
    public let path: String

    private struct State {
        var checkpoints: [TopicPartition: Checkpoint]?
        /// Held from the first use until the store goes.
        var lock: (any FileLock)?
    }

    /// `@unchecked Sendable`: only ever touched on the store's queue, which is serial.
    private final class Content: @unchecked Sendable {
        var state = State()
    }

    private let files: any FileOperations
    private let content = Content()
    /// Where the calls to the file system are made, which block.
    private let queue = DispatchQueue(label: "xkafka.offsets.file")

    /// A store in the file at `path`, whose folder must exist. Nothing is read, written or locked before the
    /// first use. Beside the file there are `path.lock`, and, while it is written, `path.new`.
    public convenience init(path: String) {
        self.init(path: path, files: SystemFiles())
    }

    package init(path: String, files: any FileOperations) {
        self.path = path
        self.files = files
    }

    /// The checkpoint of `partition`, or `nil` when the file has none.
    ///
    /// - Throws: ``FileOffsetStoreError`` when the file cannot be read, is damaged or foreign, or is in use.
    public func loadCheckpoint(_ partition: TopicPartition) async throws -> Checkpoint? {
        try await perform { [self] state in try checkpoints(&state)[partition] }
    }

    /// Keeps `checkpoint`. Returns when it is on the disk.
    ///
    /// - Throws: ``FileOffsetStoreError`` when it cannot be written. The file is as it was then.
    public func save(_ checkpoint: Checkpoint, for partition: TopicPartition) async throws {
        try await perform { [self] state in
            var checkpoints = try checkpoints(&state)
            checkpoints[partition] = checkpoint
            let newPath = path + ".new"
            try files.write(Array(OffsetFileFormat.encode(checkpoints).utf8), to: newPath)
            try files.replace(path, by: newPath, in: folder)
            state.checkpoints = checkpoints
        }
    }

    private var folder: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private func checkpoints(_ state: inout State) throws -> [TopicPartition: Checkpoint] {
        if let checkpoints = state.checkpoints { return checkpoints }
        if state.lock == nil {
            guard let lock = try files.lock(path + ".lock") else {
                throw FileOffsetStoreError(path: path, reason: "another store, perhaps of another process, is using it")
            }
            state.lock = lock
        }
        guard let bytes = try files.read(path) else {
            state.checkpoints = [:]
            return [:]
        }
        do {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw OffsetFileFormat.Damage("it is not a text")
            }
            let checkpoints = try OffsetFileFormat.decode(text)
            state.checkpoints = checkpoints
            return checkpoints
        } catch let damage as OffsetFileFormat.Damage {
            throw FileOffsetStoreError(
                path: path,
                reason: "\(damage.reason); restore it, or remove it to start without checkpoints"
            )
        }
    }

    private func perform<Result: Sendable>(
        _ body: @escaping @Sendable (inout State) throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                continuation.resume(with: Swift.Result { try body(&content.state) })
            }
        }
    }
}

/// Why a ``FileOffsetStore`` could not read or write its file.
public struct FileOffsetStoreError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The file.
    public let path: String

    /// What is wrong, and what to do about it.
    public let reason: String

    /// The system's error number (`errno`), if it was the system that refused.
    public let code: Int32?

    package init(path: String, reason: String, code: Int32? = nil) {
        self.path = path
        self.reason = reason
        self.code = code
    }

    /// The file and the reason.
    public var description: String { "offset file \(path): \(reason)" }
}
