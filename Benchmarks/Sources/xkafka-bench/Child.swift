import ArgumentParser
import Foundation

/// This program in another process, so that each run has its own memory and processor time.
final class Child {
    private let process: Process
    private let input = Pipe()
    /// What it printed first.
    let firstLine: String

    private init(_ arguments: [String]) throws {
        process = try Child.process(arguments)
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data("\n".utf8) { line += byte }
        firstLine = String(decoding: line, as: UTF8.self)
    }

    /// Starts a broker with this topic.
    static func serve(_ topic: String) throws -> Child { try Child(["serve", "--topic", topic]) }

    /// Starts to send messages.
    static func load(_ arguments: [String]) throws -> Child { try Child(["load"] + arguments) }

    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    /// Runs a side of a row.
    static func measure(_ arguments: [String]) throws -> Measurement {
        try JSONDecoder().decode(Measurement.self, from: run(arguments))
    }

    /// Runs to the end and answers what was printed.
    static func run(_ arguments: [String]) throws -> Data {
        let process = try process(arguments)
        let output = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ValidationError("\(arguments.joined(separator: " ")) ended with \(process.terminationStatus)")
        }
        return data
    }

    private static func process(_ arguments: [String]) throws -> Process {
        guard let program = Bundle.main.executableURL else { throw ValidationError("this program cannot find itself") }
        let process = Process()
        process.executableURL = program
        process.arguments = arguments
        return process
    }
}
