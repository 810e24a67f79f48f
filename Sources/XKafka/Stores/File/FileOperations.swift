#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a ``FileOffsetStore`` does with the file system; tests put failures in its place.
///
/// The calls block: they are made on the store's own queue.
package protocol FileOperations: Sendable {
    /// The contents of a file; `nil` when there is none.
    func read(_ path: String) throws(FileOffsetStoreError) -> [UInt8]?
    /// Writes a new file, in place of one that is there, and waits until it is on the disk (`fsync`).
    func write(_ bytes: [UInt8], to path: String) throws(FileOffsetStoreError)
    /// Puts the file `from` in the place of `to`, at once, and waits until the folder is on the disk.
    func replace(_ to: String, by from: String, in folder: String) throws(FileOffsetStoreError)
    /// Takes a lock that nobody else can have until it is released or the process ends. `nil` when somebody
    /// has it.
    func lock(_ path: String) throws(FileOffsetStoreError) -> (any FileLock)?
}

/// A lock on a file, held for as long as this lives.
package protocol FileLock: AnyObject, Sendable {}

/// The file system itself.
struct SystemFiles: FileOperations {
    func read(_ path: String) throws(FileOffsetStoreError) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw .system("open", path, errno)
        }
        defer { close(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = readAgain(file, &part)
            guard count >= 0 else { throw .system("read", path, errno) }
            if count == 0 { return bytes }
            bytes += part.prefix(count)
        }
    }

    private func readAgain(_ file: Int32, _ part: inout [UInt8]) -> Int {
        while true {
            let count = part.withUnsafeMutableBytes { systemRead(file, $0) }
            if count >= 0 || errno != EINTR { return count }
        }
    }

    private func systemRead(_ file: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.read(file, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
            Musl.read(file, buffer.baseAddress, buffer.count)
        #else
            Darwin.read(file, buffer.baseAddress, buffer.count)
        #endif
    }

    private func systemWrite(_ file: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(file, buffer.baseAddress, buffer.count)
        #elseif canImport(Musl)
            Musl.write(file, buffer.baseAddress, buffer.count)
        #else
            Darwin.write(file, buffer.baseAddress, buffer.count)
        #endif
    }

    func write(_ bytes: [UInt8], to path: String) throws(FileOffsetStoreError) {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .system("create", path, errno) }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { systemWrite(file, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                close(file)
                throw .system("write", path, code)
            }
            written += count
        }
        guard fsync(file) == 0 else {
            let code = errno
            close(file)
            throw .system("fsync", path, code)
        }
        guard close(file) == 0 else { throw .system("close", path, errno) }
    }

    func replace(_ to: String, by from: String, in folder: String) throws(FileOffsetStoreError) {
        guard rename(from, to) == 0 else { throw .system("rename", to, errno) }
        let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw .system("open", folder, errno) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw .system("fsync", folder, errno) }
    }

    func lock(_ path: String) throws(FileOffsetStoreError) -> (any FileLock)? {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw .system("create", path, errno) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(file)
            if code == EWOULDBLOCK { return nil }
            throw .system("lock", path, code)
        }
        return Lock(file)
    }

    private final class Lock: FileLock {
        private let file: Int32

        init(_ file: Int32) {
            self.file = file
        }

        deinit {
            // Closing releases it.
            close(file)
        }
    }
}
