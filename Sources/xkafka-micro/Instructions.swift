import Foundation

/// Counts the instructions of a benchmark with callgrind. They do not depend on what else the machine does.
enum Instructions {
    /// Whether there is a valgrind.
    static var canBeCounted: Bool { (try? run(["valgrind", "--version"])) != nil }

    /// How many one repetition of the benchmark takes: of a process that plays it twice, less those of one that does so
    /// once. `nil` when valgrind does not take the program.
    static func count(of name: String) -> Int? {
        let once = collected(name, repetitions: 1)
        let twice = once == nil ? nil : collected(name, repetitions: 2)
        guard let once, let twice else { return nil }
        return twice - once
    }

    private static func collected(_ name: String, repetitions: Int) -> Int? {
        guard let program = Bundle.main.executablePath else { return nil }
        let valgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        guard let text = try? run(valgrind + [program, "--play", name, "\(repetitions)"]) else { return nil }
        // ==123== Collected : 456
        let line = text.split(separator: "\n").last { $0.contains(" Collected : ") }
        return line?.split(separator: " ").last.flatMap { Int($0) }
    }

    /// Answers what it says on standard error.
    private static func run(_ command: [String]) throws -> String {
        let process = Process()
        let errors = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = errors
        try process.run()
        let data = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CocoaError(.executableNotLoadable) }
        return String(decoding: data, as: UTF8.self)
    }
}
