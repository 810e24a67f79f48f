/// What the demonstration showed.
struct DemoResult {
    let events: Int
    let summary: PackageLedger.Summary
    let comparison: PackageComparison
    /// The end of each partition, and what the group has committed.
    let ends: [Int32: Int64]
    let committed: [Int32: Int64]

    /// How many packages of the log have to be comparable.
    static let leastShare = 0.95

    /// What is not as it should be; nothing, if all is well.
    var failures: [String] {
        var failures: [String] = []
        func require(_ isMet: Bool, _ failure: String) {
            if !isMet { failures.append(failure) }
        }
        require(summary.handled == events, "\(summary.handled) events were handled, \(events) were published")
        require(summary.orderViolations == 0, "\(summary.orderViolations) events were handled out of order")
        require(summary.peakInFlight > 1, "handlers never ran at the same time")
        require(
            comparison.share >= Self.leastShare,
            "only \(comparison.compared) of the packages in the log could be compared"
        )
        for (package, reason) in comparison.mismatches where reason == .different {
            failures.append("\(package) is not what its history says")
        }
        require(!ends.isEmpty && partitionsAtTheEnd == ends.count, "the group has not committed every partition's end")
        return failures
    }

    private var partitionsAtTheEnd: Int {
        // A partition that never had a message has no commit, and needs none.
        ends.count { committed[$0.key] ?? 0 == $0.value }
    }

    private var eventsPerSecond: Int {
        guard let first = summary.firstTime, let last = summary.lastTime, last > first else { return 0 }
        return Int(Double(events) / (last - first).seconds)
    }

    var table: String {
        var rows: [(String, String)] = [
            ("events", "\(events)"),
            ("packages", "\(summary.states.count)"),
            ("handlers in flight at the peak", "\(summary.peakInFlight)"),
            ("events per second", "\(eventsPerSecond)"),
            ("order violations", "\(summary.orderViolations)"),
            ("packages compared", "\(comparison.compared)"),
            ("packages that agree with dpkg", "\(comparison.agreeing)"),
        ]
        for reason in PackageComparison.Reason.allCases {
            rows.append(("mismatches: \(reason.rawValue)", "\(comparison.count(reason))"))
        }
        rows.append(("partitions committed to their end", "\(partitionsAtTheEnd) of \(ends.count)"))
        for (partition, end) in ends.sorted(by: { $0.key < $1.key }) {
            rows.append(("  partition \(partition): committed of end", "\(committed[partition] ?? 0) of \(end)"))
        }
        let width = (rows.map(\.0.count).max() ?? 0) + 2
        return "\n"
            + rows.map { $0.0 + String(repeating: " ", count: width - $0.0.count) + $0.1 }.joined(separator: "\n")
    }
}

extension Duration {
    fileprivate var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
