import Foundation
import Testing
import XKafkaHostileInput
import XKafkaTestingInternal

/// Whatever comes from a broker, a file or a user is read without a trap, and is never taken for more than it is (R12).
@Suite(.timeLimit(.minutes(2))) struct HostileInputTests {
    static let names = FuzzTarget.all.map(\.name)

    /// The inputs that fuzzing has found to be of interest, and those that once were read wrongly.
    static func corpus(_ name: String) throws -> [URL] {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return try FileManager.default.contentsOfDirectory(
            at: tests.appendingPathComponent("Corpus/\(name)"),
            includingPropertiesForKeys: nil
        )
    }

    @Test(arguments: names)
    func corpusIsRead(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let files = try Self.corpus(name)
        #expect(files.count >= 10)
        for file in files {
            let input = Array(try Data(contentsOf: file))
            #expect(throws: Never.self, "\(file.lastPathComponent)") { try target.read(input) }
        }
    }

    /// Valid inputs with a few changes. A trap ends the process: the seed is in the last line before.
    @Test(arguments: names)
    func changedInputsAreRead(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        for seed in SeededGenerator.freshSeeds(5) {
            print("hostile input: \(name), seed \(seed)")
            var random = SeededGenerator(seed: seed)
            for _ in 0..<20 {
                let valid = target.example(&random)
                #expect(throws: Never.self, "seed \(seed)") { try target.read(valid) }
                for _ in 0..<10 {
                    let input = Mutation.mutated(valid, using: &random)
                    #expect(throws: Never.self, "seed \(seed): \(input)") { try target.read(input) }
                }
            }
        }
    }

    /// Nothing is allocated because an input says that much is coming: each is read with 32 MiB to spare.
    #if os(Linux)
        @Test(arguments: names)
        func hugeLengthsAllocateNothing(name: String) async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("xkafka-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            var files: [String] = []
            for (index, input) in (HugeInputs.all[name] ?? []).enumerated() {
                let file = folder.appendingPathComponent("\(index)")
                try Data(input).write(to: file)
                files.append(file.path)
            }
            try #require(!files.isEmpty)
            let program = try ChildProcess.executable("xkafka-fuzz").path
            let corpus = try Self.corpus(name).map(\.path)
            let output = try await runProgram(program, [name, "read", "--memory", "32"] + files + corpus)
            #expect(output.status == 0, "\(output.standardError.suffix(2_000))")
            #expect(output.text == "\(name): \(files.count + corpus.count) inputs read\n")
        }

        /// The limit bites: otherwise the test above says nothing.
        @Test func memoryIsLimited() async throws {
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("xkafka-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let file = folder.appendingPathComponent("large")
            try Data(repeating: UInt8(ascii: "x"), count: 4 << 20).write(to: file)
            let program = try ChildProcess.executable("xkafka-fuzz").path
            let output = try await runProgram(program, ["checkpoint-file", "read", "--memory", "1", file.path])
            #expect(output.status != 0)
        }
    #endif
}
