package import Foundation
import Synchronization
import XKafkaTransport

/// What a program that has ended left behind.
package struct ProgramOutput: Sendable {
    package let status: Int32
    package let standardOutput: Data
    package let standardError: String

    package var text: String { String(decoding: standardOutput, as: UTF8.self) }
    package var lines: [String] { text.split(separator: "\n").map(String.init) }
}

/// A program ended with an error, or is not installed.
package struct ProgramFailed: Error, CustomStringConvertible {
    package let what: String
    package var description: String { what }

    package init(what: String) {
        self.what = what
    }
}

/// Runs a program of the search path to its end, without blocking a task's thread.
package func runProgram(
    _ name: String,
    _ arguments: [String],
    input: Data? = nil,
    limit: Int = 60
) async throws -> ProgramOutput {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "xkafka.test.program").async {
            continuation.resume(with: Result { try runProgramBlocking(name, arguments, input: input, limit: limit) })
        }
    }
}

private func runProgramBlocking(
    _ name: String,
    _ arguments: [String],
    input: Data?,
    limit: Int
) throws -> ProgramOutput {
    // A program may end before it has read its input; that must not end this process.
    _ = signal(SIGPIPE, SIG_IGN)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "\(limit)", name] + arguments
    let inputPipe = Pipe()
    let outputPipe = Pipe()
    let errorPipe = Pipe()
    process.standardInput = inputPipe
    process.standardOutput = outputPipe
    process.standardError = errorPipe
    try ProcessSpawnGuard.run { try process.run() }
    let writer = DispatchQueue(label: "xkafka.test.program.input")
    writer.async {
        // The program may end before it has read everything.
        if let input { try? inputPipe.fileHandleForWriting.write(contentsOf: input) }
        try? inputPipe.fileHandleForWriting.close()
    }
    let errors = Mutex(Data())
    let errorReader = DispatchQueue(label: "xkafka.test.program.errors")
    errorReader.async {
        let data = errorPipe.fileHandleForReading.readDataToEndOfFile()
        errors.withLock { $0 = data }
    }
    let output = outputPipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    errorReader.sync {}
    return ProgramOutput(
        status: process.terminationStatus,
        standardOutput: output,
        standardError: String(decoding: errors.withLock { $0 }, as: UTF8.self)
    )
}
