package import Foundation

/// Runs kcat, a Kafka client that nobody here wrote.
package enum Kcat {
    /// Runs kcat to its end. A run that takes longer than a minute is ended by force.
    package static func run(_ arguments: [String], input: Data? = nil) async throws -> ProgramOutput {
        try await runProgram("kcat", arguments, input: input)
    }

    /// Sends lines `key<TAB>value`.
    package static func produce(_ brokers: String, topic: String, keyedLines: [String]) async throws {
        let input = Data(keyedLines.map { $0 + "\n" }.joined().utf8)
        let output = try await run(["-P", "-b", brokers, "-t", topic, "-K", "\t"], input: input)
        guard output.status == 0 else { throw ProgramFailed(what: "kcat -P: \(output.standardError)") }
    }
}
