import Dispatch

/// One line of what a process writes about its handlers while they run, so that it is known afterwards even if the
/// process was killed.
package struct LedgerLine: Sendable, Hashable {
    package enum What: String, Sendable {
        /// An attempt at a message begins, and ends: well, with an error, or because it was told to stop.
        case start, done, failed, stopped
        /// A partition was taken away without asking.
        case lost
        /// A message's handler had not ended when its partition was given back.
        case abandoned
    }

    package let what: What
    /// In milliseconds of a clock that all processes of the machine share.
    package let time: Int
    package let partition: Int32
    package let offset: Int64
    package let key: String
    /// The message's value, which is the number that its producer gave it.
    package let number: Int
    package let attempt: Int
    /// Counts the assignments of the process.
    package let epoch: UInt64

    package init(
        _ what: What,
        time: Int = LedgerLine.now,
        partition: Int32,
        offset: Int64 = -1,
        key: String = "-",
        number: Int = -1,
        attempt: Int = 0,
        epoch: UInt64 = 0
    ) {
        self.what = what
        self.time = time
        self.partition = partition
        self.offset = offset
        self.key = key
        self.number = number
        self.attempt = attempt
        self.epoch = epoch
    }

    /// A line as ``text`` made it; `nil` when it is none.
    package init?(_ text: some StringProtocol) {
        let words = text.split(separator: " ")
        guard
            words.count == 8, let what = What(rawValue: String(words[0])), let time = Int(words[1]),
            let partition = Int32(words[2]), let offset = Int64(words[3]), let number = Int(words[5]),
            let attempt = Int(words[6]), let epoch = UInt64(words[7])
        else { return nil }
        self.init(
            what,
            time: time,
            partition: partition,
            offset: offset,
            key: String(words[4]),
            number: number,
            attempt: attempt,
            epoch: epoch
        )
    }

    /// The line, without its end.
    package var text: String {
        "\(what.rawValue) \(time) \(partition) \(offset) \(key) \(number) \(attempt) \(epoch)"
    }

    /// The time now, as lines have it.
    package static var now: Int { Int(DispatchTime.now().uptimeNanoseconds / 1_000_000) }
}
