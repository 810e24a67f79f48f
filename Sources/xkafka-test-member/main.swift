import Foundation
import Logging
import XKafka

// A consumer in a process of its own, for tests that kill it, measure its memory or fill its disk: a member of a
// group, or the reader of a partition. It ends when its standard input closes, so it never outlives the test that
// started it.

/// Unbuffered: whoever reads it may be waiting for it.
@Sendable func say(_ line: String) {
    FileHandle.standardOutput.write(Data("\(line)\n".utf8))
}

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
    say("ready")
    Thread.detachNewThread {
        while let line = readLine() {
            let words = line.split(separator: " ")
            guard words.count == 2, words[0] == "file-size-limit", let bytes = Int(words[1]) else { continue }
            do {
                try FileSizeLimit.set(bytes)
                say(line)
            } catch {
                say("failed: \(error)")
            }
        }
        Task { await member.close() }
    }
    do {
        say("ended: \(try await member.consume())")
    } catch {
        say("failed: \(error)")
        exit(1)
    }
} catch {
    FileHandle.standardError.write(Data("error: \(error)\n".utf8))
    exit(1)
}
