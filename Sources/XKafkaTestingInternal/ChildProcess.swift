package import Foundation
import Synchronization
import XKafkaTransport

/// A process of one of this package's executables, which tests start, look at and kill.
///
/// Its standard input stays open: the executables end when that closes, so none outlives the test.
package final class ChildProcess: Sendable {
    /// `@unchecked Sendable`: only used with the lock held.
    private struct Running: @unchecked Sendable {
        let process: Process
        let input: FileHandle
    }

    package let processIdentifier: Int32
    /// The lines of its standard output, so far.
    package let lines = Collector<String>()
    private let running: Mutex<Running>

    /// Starts the executable `name`, which lies beside the running one.
    package init(_ name: String, _ arguments: [String]) throws {
        _ = signal(SIGPIPE, SIG_IGN)
        let process = Process()
        process.executableURL = try Self.executable(name)
        process.arguments = arguments
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try ProcessSpawnGuard.run { try process.run() }
        // This process must not hold the child's ends, or the end of its output would never be seen.
        try output.fileHandleForWriting.close()
        try input.fileHandleForReading.close()
        processIdentifier = process.processIdentifier
        running = Mutex(Running(process: process, input: input.fileHandleForWriting))
        let reader = output.fileHandleForReading
        let lines = lines
        Thread.detachNewThread {
            var unread = Data()
            while case let more = reader.availableData, !more.isEmpty {
                unread += more
                while let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                    lines.add(String(decoding: unread[unread.startIndex..<end], as: UTF8.self))
                    unread = Data(unread[unread.index(after: end)...])
                }
            }
        }
    }

    deinit {
        kill()
    }

    /// Writes a line to its standard input.
    package func say(_ line: String) throws {
        try running.withLock { try $0.input.write(contentsOf: Data("\(line)\n".utf8)) }
    }

    /// Stops it where it is (`SIGSTOP`), until ``proceed()`` or ``kill()``. Returns when none of its threads runs.
    package func pause() async throws {
        running.withLock { running in
            if running.process.isRunning { _ = Foundation.kill(running.process.processIdentifier, SIGSTOP) }
        }
        try await waitUntilStopped(within: .seconds(30))
    }

    /// Waits until none of its threads runs, because it was stopped or stopped itself.
    package func waitUntilStopped(within limit: Duration) async throws {
        try await eventually(within: limit, "the child process to stop") { try areAllThreadsStopped() }
    }

    private func areAllThreadsStopped() throws -> Bool {
        let folder = "/proc/\(processIdentifier)/task"
        return try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { thread in
            // A thread that has ended meanwhile does not run either.
            guard let status = try? String(contentsOfFile: "\(folder)/\(thread)/stat", encoding: .utf8) else {
                return true
            }
            // The state comes after the name, which is in parentheses.
            return status.split(separator: ")").last?.hasPrefix(" T ") ?? true
        }
    }

    /// Lets it go on after ``pause()``.
    package func proceed() {
        running.withLock { running in
            if running.process.isRunning { _ = Foundation.kill(running.process.processIdentifier, SIGCONT) }
        }
    }

    /// Ends it by force, at once (`SIGKILL`), and waits until it is gone. Only the first call does anything.
    package func kill() {
        running.withLock { running in
            guard running.process.isRunning else { return }
            _ = Foundation.kill(running.process.processIdentifier, SIGKILL)
            running.process.waitUntilExit()
        }
    }

    /// Closes its standard input, on which it ends by itself. Nobody waits for that.
    package func closeInput() {
        running.withLock { try? $0.input.close() }
    }

    /// Lets it end by itself, and waits for that. Answers its exit status.
    package func finish(within limit: Duration = .seconds(30)) async throws -> Int32 {
        closeInput()
        try await eventually(within: limit, "the child process to end") {
            self.running.withLock { !$0.process.isRunning }
        }
        return running.withLock { $0.process.terminationStatus }
    }

    /// A figure of `/proc/PID/status` in KiB, such as `VmRSS` or `VmHWM`.
    package func kibibytes(_ field: String) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8)
        for line in status.split(separator: "\n") where line.hasPrefix("\(field):") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count > 1, let number = Int(words[1]) { return number }
        }
        throw ProgramFailed(what: "/proc says nothing of \(field)")
    }

    /// Where the executable `name` is, beside the running one.
    package static func executable(_ name: String) throws -> URL {
        var folders = [Bundle.main.bundleURL]
        if let path = CommandLine.arguments.first {
            folders.append(URL(fileURLWithPath: path).deletingLastPathComponent())
        }
        let candidates = folders.map { $0.appendingPathComponent(name) }
        if let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) {
            return found
        }
        throw ProgramFailed(what: "\(name) was not found in \(folders.map(\.path))")
    }
}
