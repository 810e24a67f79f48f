/// What the folded history says, beside what dpkg says.
struct PackageComparison: Equatable {
    /// Why a package is not what the history says.
    enum Reason: String, CaseIterable {
        /// It was installed before the log began.
        case notInTheLog = "not in the log"
        /// dpkg gave two different answers, before and after.
        case changedDuringTheRun = "changed during the run"
        /// No excuse.
        case different = "different"
    }

    /// Packages the history speaks of and dpkg agrees with.
    private(set) var agreeing = 0
    private(set) var mismatches: [String: Reason] = [:]
    private let packagesInTheLog: Int

    init(folded: [String: PackageState], before: [String: PackageState], after: [String: PackageState]) {
        packagesInTheLog = folded.count
        for package in Set(folded.keys).union(after.keys) {
            let now = after[package] ?? .notInstalled
            if let state = folded[package] {
                if state == now {
                    agreeing += 1
                } else {
                    mismatches[package] =
                        now != before[package] ?? .notInstalled ? .changedDuringTheRun : .different
                }
            } else if now != .notInstalled {
                mismatches[package] = .notInTheLog
            }
        }
    }

    /// Packages of the log whose state could be held against dpkg's: all but those that changed
    /// meanwhile.
    var compared: Int { packagesInTheLog - count(.changedDuringTheRun) }

    /// How much of the log could be compared, from 0 to 1.
    var share: Double { packagesInTheLog == 0 ? 0 : Double(compared) / Double(packagesInTheLog) }

    func count(_ reason: Reason) -> Int { mismatches.values.count { $0 == reason } }
}
