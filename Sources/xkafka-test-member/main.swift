import Foundation
import Logging
import XKafka

// A consumer in a process of its own, for tests that kill it, measure its memory or fill its disk: a member of a
// group, or the reader of a partition. It ends when its standard input closes, so it never outlives the test that
// started it.

do {
    let options = try MemberOptions(Array(CommandLine.arguments.dropFirst()))
    let ledger = try Ledger(options.ledger)
    let delay = options.delay
    let member = try Member(options) { message, next in
        ledger.write("start", message)
        if delay > .zero { try await Task.sleep(for: delay) }
        try await next(message)
        ledger.write("done", message)
    }
    let input = Thread {
        while readLine() != nil {}
        Task { await member.close() }
    }
    print("ready")
    // Before anybody reads standard input: this waits for every stream's lock.
    fflush(nil)
    input.start()
    let report = try await member.consume()
    print("ended: \(report)")
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
