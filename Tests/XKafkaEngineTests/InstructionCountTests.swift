import Foundation
import Testing
import XKafkaTestingInternal

/// The machine's mood changes how long something takes, and not how many instructions.
@Suite(.timeLimit(.minutes(5))) struct InstructionCountTests {
    /// Tracker, key queues and lanes take no more than some multiple of what a dictionary takes, however many messages
    /// and keys there are. Without valgrind it says so and passes.
    @Test func partsTakeNoMoreInstructionsThanExpected() async throws {
        let output = try await runProgram(
            try ChildProcess.executable("xkafka-micro").path,
            ["--check"],
            limit: 240
        )
        #expect(output.status == 0, "more instructions than allowed:\n\(output.text)\(output.standardError)")
        print(output.text)
    }
}
