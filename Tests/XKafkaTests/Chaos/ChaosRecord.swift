import XKafkaTestingInternal

/// Everything that is known of a chaos run afterwards. Times are those of ``LedgerLine``.
struct ChaosRecord: Sendable {
    /// A message that the brokers acknowledged.
    struct Acknowledged: Sendable {
        let number: Int
        let key: String
        let partition: Int32
        let offset: Int64
        var time: Int
    }

    /// A message of the dead-letter topic.
    struct DeadLetter: Sendable {
        let number: Int
        let place: MemberProcess.Place
    }

    struct Member: Sendable {
        let name: String
        var lines: [LedgerLine] = []
        /// When it was killed, if it was.
        var killTime: Int?
        /// When it stood still.
        var freezes: [(start: Int, end: Int)] = []
        /// How much memory it had, in KiB.
        var memory: [(time: Int, kibibytes: Int)] = []
        /// What it said at its end, and its exit status, unless it was killed.
        var ending: String?
        var exitStatus: Int32?
    }

    var acknowledged: [Acknowledged] = []
    var sent = 0
    /// Messages whose sending failed.
    var failed: [String] = []
    var members: [Member] = []
    var deadLetters: [DeadLetter] = []
    /// When nobody waited for anything more.
    var endTime = 0
    /// Whether everything was committed in the end, in time.
    var isSettled = false
}
