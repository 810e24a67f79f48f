import Foundation
import XKafka

/// What happened, one line each: written to the file at once and unbuffered, so that a killed process has told
/// everything it did.
struct Ledger: Sendable {
    private let file: Int32
    private let start = ContinuousClock.now

    init(_ path: String) throws {
        file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard file >= 0 else { throw MemberOptions.Wrong(what: "cannot write \(path): \(errno)") }
    }

    /// Writes `what milliseconds partition offset key`.
    func write(_ what: String, _ message: ConsumeContext) {
        let time = (ContinuousClock.now - start) / Duration.milliseconds(1)
        let key = message.key.map { String($0) } ?? "-"
        let line = Array("\(what) \(Int(time)) \(message.partition) \(message.offset) \(key)\n".utf8)
        // Small appends to a file are not torn, and one that fails shows as a message that is missing.
        _ = line.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
    }
}
