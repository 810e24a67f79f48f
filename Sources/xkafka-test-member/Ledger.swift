import Foundation
import XKafka
import XKafkaTestingInternal

/// What happened, one line each: written to the file at once and unbuffered, so that a killed process has told
/// everything it did.
struct Ledger: Sendable {
    private let file: Int32

    init(_ path: String) throws {
        file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard file >= 0 else { throw MemberOptions.Wrong(what: "cannot write \(path): \(errno)") }
    }

    func write(_ what: LedgerLine.What, _ message: ConsumeContext) {
        write(
            LedgerLine(
                what,
                partition: message.partition,
                offset: message.offset,
                key: message.key.map { String($0) } ?? "-",
                number: message.number,
                attempt: message.attempt,
                epoch: message.assignmentEpoch
            )
        )
    }

    func write(_ line: LedgerLine) {
        let bytes = Array("\(line.text)\n".utf8)
        // Small appends to a file are not torn, and one that fails shows as a message that is missing.
        _ = bytes.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
    }
}

extension ConsumeContext {
    /// The number that the producer gave the message as its value.
    var number: Int { value.flatMap { Int(String($0)) } ?? -1 }
}
