import Foundation
import Logging
import XKafka

// A member of a group in a process of its own, for tests that kill it or measure its memory. It ends when its
// standard input closes, so it never outlives the test that started it.

do {
    let options = try MemberOptions(Array(CommandLine.arguments.dropFirst()))
    let ledger = try Ledger(options.ledger)
    let consumer = try GroupConsumer(options.config)
    let delay = options.delay
    let input = Thread {
        while readLine() != nil {}
        Task { await consumer.close() }
    }
    print("ready")
    // Before anybody reads standard input: this waits for every stream's lock.
    fflush(nil)
    input.start()
    let report = try await consumer.consume { message in
        ledger.write("start", message)
        if delay > .zero { try await Task.sleep(for: delay) }
        ledger.write("done", message)
    }
    print("ended: \(report)")
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
