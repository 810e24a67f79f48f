import Foundation

/// Runs the programs that the demonstration works with.
enum Program {
    static func exists(_ name: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        return path.split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
        }
    }

    /// Runs a program to its end and answers what it wrote to its standard output.
    ///
    /// - Throws: `DemoError` with what it wrote to its standard error, when it fails.
    @discardableResult
    static func run(_ name: String, _ arguments: [String], input: String = "") async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            // It blocks, so it gets a thread of its own.
            DispatchQueue(label: "demo.\(name)").async {
                continuation.resume(with: Result { try runBlocking(name, arguments, input) })
            }
        }
    }

    private static func runBlocking(_ name: String, _ arguments: [String], _ input: String) throws -> String {
        // A program that ends before it has read its input must not end this one.
        _ = signal(SIGPIPE, SIG_IGN)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("xkafka-demo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files instead of pipes: nothing has to be read and written at the same time.
        let files = ["in", "out", "err"].map { folder.appendingPathComponent($0) }
        try Data(input.utf8).write(to: files[0])
        try Data().write(to: files[1])
        try Data().write(to: files[2])

        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [name] + arguments
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let text = String(decoding: try Data(contentsOf: files[2]), as: UTF8.self)
            throw DemoError("\(name) failed with status \(process.terminationStatus): \(text)")
        }
        return String(decoding: try Data(contentsOf: files[1]), as: UTF8.self)
    }
}
