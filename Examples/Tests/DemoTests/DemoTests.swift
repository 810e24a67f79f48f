import Testing

@testable import demo

@Suite struct PackageEventTests {
    @Test func readsTheLinesThatAreAboutPackages() throws {
        let status = try #require(
            PackageEvent(line: "2025-06-24 14:36:25 status installed bash:amd64 5.2.15-2", number: 7)
        )
        #expect(status.package == "bash:amd64")
        #expect(status.state == PackageState(status: "installed", version: "5.2.15-2"))
        #expect(PackageEvent(value: status.value) == status)
        let install = try #require(PackageEvent(line: "2025-06-24 14:36:25 install jq:amd64 <none> 1.6", number: 8))
        #expect(install.package == "jq:amd64")
        #expect(install.state == nil)
    }

    @Test(arguments: [
        "", "2025-06-24 14:36:25 startup archives unpack", "2025-06-24 14:36:25 conffile /etc/x keep",
        "2025-06-24 14:36:25 status installed noarch 1", "garbage",
    ])
    func passesOverOthers(line: String) {
        #expect(PackageEvent(line: line, number: 1) == nil)
    }
}

@Suite struct PackageComparisonTests {
    private let installed = PackageState(status: "installed", version: "1")
    private let newer = PackageState(status: "installed", version: "2")

    @Test func namesAReasonForEachMismatch() {
        let comparison = PackageComparison(
            folded: ["same": installed, "gone": .notInstalled, "upgraded": installed, "wrong": installed],
            before: ["same": installed, "upgraded": installed, "wrong": newer, "old": installed],
            after: ["same": installed, "upgraded": newer, "wrong": newer, "old": installed]
        )
        #expect(comparison.agreeing == 2)
        #expect(comparison.mismatches == ["upgraded": .changedDuringTheRun, "wrong": .different, "old": .notInTheLog])
        #expect(comparison.compared == 3)
    }
}

@Suite struct DemoResultTests {
    private func result(
        handled: Int = 10,
        violations: Int = 0,
        peak: Int = 2,
        agreeing: Bool = true,
        committed: Int64 = 10
    ) -> DemoResult {
        var summary = PackageLedger.Summary()
        summary.handled = handled
        summary.orderViolations = violations
        summary.peakInFlight = peak
        let state = PackageState(status: "installed", version: "1")
        let other = agreeing ? state : PackageState(status: "installed", version: "2")
        return DemoResult(
            events: 10,
            summary: summary,
            comparison: PackageComparison(folded: ["a:b": state], before: ["a:b": other], after: ["a:b": other]),
            ends: [0: 10, 1: 0],
            committed: [0: committed]
        )
    }

    @Test func failsWhenAnythingIsNotAsItShouldBe() {
        #expect(result().failures.isEmpty)
        #expect(result(handled: 9).failures.count == 1)
        #expect(result(violations: 1).failures.count == 1)
        #expect(result(peak: 1).failures.count == 1)
        #expect(result(agreeing: false).failures.count == 1)
        #expect(result(committed: 9).failures.count == 1)
    }
}

@Suite struct PackageLedgerTests {
    @Test func countsWhatIsOutOfOrder() throws {
        let ledger = PackageLedger()
        let events = try [1, 2].map {
            try #require(PackageEvent(line: "d t status unpacked a:b \($0)", number: $0))
        }
        ledger.begin(events[1])
        ledger.end(events[1])
        ledger.begin(events[0])
        #expect(ledger.summary.orderViolations == 1, "an earlier event after a later one")
        ledger.begin(events[1])
        #expect(ledger.summary.orderViolations == 2, "two events of a package at the same time")
        #expect(ledger.summary.peakInFlight == 2)
    }
}
