import Testing
import XKafkaCore
import XKafkaTestingInternal

@Suite struct LineLimiterTests {
    private let start = ContinuousClock.now
    private var limiter = LineLimiter(limit: 3, period: .seconds(10), maxSubjects: 2)

    /// Whether each of these lines passes, at so many seconds.
    private mutating func admits(_ subject: String, at seconds: [Double]) -> [Bool] {
        seconds.map { limiter.admit(subject, at: start + .seconds($0)).isAdmitted }
    }

    @Test func soManyPassInEachPeriod() {
        var copy = self
        #expect(result(of: copy.admits("FAIL", at: [0, 1, 2, 3, 9.9])) == [true, true, true, false, false])
        #expect(copy.limiter.nextEnd == start + .seconds(10))
        let next = copy.limiter.admit("FAIL", at: start + .seconds(10))
        #expect(next.isAdmitted)
        #expect(next.ended == [.init(subject: "FAIL", count: 2)])
        #expect(copy.limiter.nextEnd == nil, "nothing was left out in this one")
    }

    @Test func subjectsDoNotShare() {
        var copy = self
        #expect(result(of: copy.admits("A", at: [0, 0, 0, 0])) == [true, true, true, false])
        #expect(result(of: copy.admits("B", at: [1])) == [true])
    }

    @Test func subjectsAreBounded() {
        var copy = self
        for subject in ["A", "B"] { _ = copy.admits(subject, at: [0]) }
        let others = (0..<1_000).map { copy.limiter.admit("C\($0)", at: start).isAdmitted }
        #expect(others.count { $0 } == 3)
        #expect(copy.limiter.takeAll() == [.init(subject: "other", count: 997)])
        #expect(copy.limiter.takeAll().isEmpty)
    }

    @Test func whatWasLeftOutIsSaidOnce() {
        var copy = self
        _ = copy.admits("B", at: [0, 0, 0, 0])
        _ = copy.admits("A", at: [5, 5, 5, 5, 5])
        #expect(result(of: copy.limiter.takeEnded(at: start + .seconds(9))).isEmpty)
        #expect(result(of: copy.limiter.takeEnded(at: start + .seconds(10))) == [.init(subject: "B", count: 1)])
        #expect(result(of: copy.limiter.takeEnded(at: start + .seconds(99))) == [.init(subject: "A", count: 2)])
        #expect(result(of: copy.limiter.takeEnded(at: start + .seconds(99))).isEmpty)
    }

    /// Every line passes or is counted, whatever comes when.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func everyLineIsAccountedFor(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var limiter = LineLimiter(limit: 5, period: .seconds(1), maxSubjects: 4)
        var now = start
        var (passed, counted) = (0, 0)
        for _ in 0..<2_000 {
            now += .milliseconds(Int.random(in: 0...50, using: &random))
            let verdict = limiter.admit("S\(Int.random(in: 0..<8, using: &random))", at: now)
            passed += verdict.isAdmitted ? 1 : 0
            counted += verdict.ended.reduce(0) { $0 + $1.count }
        }
        counted += limiter.takeAll().reduce(0) { $0 + $1.count }
        #expect(passed + counted == 2_000)
    }
}
