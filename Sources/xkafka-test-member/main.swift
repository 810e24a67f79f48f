import Foundation
import Logging
import XKafka
import XKafkaTestingInternal

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
    let selfStop = SelfStop()
    if let count = options.stopAfter { selfStop.arm(after: count) }
    let delay = options.delay
    let script = options.script
    let stuckKey = options.stuckKey
    let member = try Member(options, ledger) { message, next in
        ledger.write(.start, message)
        do {
            if delay > .zero { try await Task.sleep(for: delay) }
            if let stuckKey, message.key == stuckKey { try await Task.sleep(for: .seconds(86_400)) }
            try await script?.play(message)
            try await next(message)
        } catch {
            ledger.write(Task.isCancelled ? .stopped : .failed, message)
            throw error
        }
        ledger.write(.done, message)
        selfStop.noteDone()
    }
    say("ready")
    Thread.detachNewThread {
        while let line = readLine() {
            let words = line.split(separator: " ")
            guard words.count == 2, let number = Int(words[1]) else { continue }
            switch words[0] {
            case "stop-after": selfStop.arm(after: number)
            case "file-size-limit":
                do {
                    try FileSizeLimit.set(number)
                    say(line)
                } catch {
                    say("failed: \(error)")
                }
            default: break
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
