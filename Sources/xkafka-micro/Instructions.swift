import Foundation

/// Counts instructions with callgrind. They do not depend on what else the machine does.
enum Instructions {
    /// Whether there is a valgrind.
    static var canBeCounted: Bool { (try? run(["valgrind", "--version"], in: nil)) != nil }

    /// Plays benchmarks in a process that callgrind looks at, which starts counting with each call of `playMeasured`, and
    /// writes a file with each of `endMeasuring`. Answers what one operation took, in the order of the benchmarks; `nil`
    /// when valgrind does not take the program, as it does not when that was built with a sanitizer.
    ///
    /// - Throws: when the program was played and a count is missing: callgrind did not find the functions.
    static func ofOneOperation(of benchmarks: [MicroBench.Played], playing arguments: [String]) throws -> [Double]? {
        guard let program = Bundle.main.executablePath else { return nil }
        let folder = FileManager.default.temporaryDirectory.appending(path: "xkafka-micro-\(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let valgrind = [
            "valgrind", "--tool=callgrind", "--callgrind-out-file=counts",
            "--zero-before=*playMeasured*", "--dump-before=*endMeasuring*",
        ]
        do {
            try run(valgrind + [program, "--play"] + arguments, in: folder)
        } catch {
            return nil
        }
        return try benchmarks.enumerated().map { number, benchmark in
            let file = folder.appending(path: "counts.\(number + 1)")
            return Double(try total(in: String(contentsOf: file, encoding: .utf8))) / Double(benchmark.operations)
        }
    }

    private static func total(in text: String) throws -> Int {
        // summary: 456
        let line = text.split(separator: "\n").first { $0.hasPrefix("summary:") }
        guard let total = line?.split(separator: " ").last.flatMap({ Int($0) }) else {
            throw CocoaError(.fileReadCorruptFile)
        }
        return total
    }

    private static func run(_ command: [String], in folder: URL?) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        if let folder { process.currentDirectoryURL = folder }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableNotLoadable) }
    }
}
