import Dispatch
import Synchronization
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

    /// What the file holds, once it was read. `@unchecked Sendable`: only ever touched on the store's queue, which
    /// is serial.
    private final class Content: @unchecked Sendable {
        var checkpoints: [TopicPartition: Checkpoint]?
        /// The lock that was taken, for callers that come before the store has it.
        weak var lock: (any FileLock)?
    }

    private let files: any FileOperations
    private let content = Content()
    /// Held from the first use for as long as the store lives: nothing on the queue keeps it any longer.
    private let lock = Mutex<(any FileLock)?>(nil)
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
        try await takeLock()
        return try await perform { [content, file] in
            let checkpoints = try content.checkpoints ?? file.read()
            content.checkpoints = checkpoints
            return checkpoints[partition]
        }
    }

    /// Keeps `checkpoint`. Returns when it is on the disk.
    ///
    /// - Throws: ``FileOffsetStoreError`` when it cannot be written. The file is as it was then.
    public func save(_ checkpoint: Checkpoint, for partition: TopicPartition) async throws {
        try await takeLock()
        try await perform { [content, file] in
            var checkpoints = try content.checkpoints ?? file.read()
            checkpoints[partition] = checkpoint
            try file.write(checkpoints)
            content.checkpoints = checkpoints
        }
    }

    private var file: OffsetFile { OffsetFile(path: path, files: files) }

    private func takeLock() async throws {
        guard lock.withLock({ $0 == nil }) else { return }
        let path = path + ".lock"
        let taken = try await perform { [content, files] in
            let lock = try content.lock ?? files.lock(path)
            content.lock = lock
            return lock
        }
        let isOurs = lock.withLock { lock in
            lock = lock ?? taken
            return lock != nil
        }
        guard isOurs else {
            throw FileOffsetStoreError(
                path: self.path,
                reason: "another store, perhaps of another process, is using it"
            )
        }
    }

    private func perform<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Swift.Result { try body() }) }
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
