import Foundation
import Testing
import XKafkaOffsets
import XKafkaTestingInternal

@Suite struct CompletionMapTests {
    @Test func nothingBeyondTheFrontierNeedsNoText() {
        let map = CompletionMap(frontier: 7, ranges: [])
        #expect(map.encoded().text == "")
        #expect(CompletionMap(metadata: "", frontier: 7) == nil)
    }

    /// The format is a promise to consumers of other versions.
    @Test func theFormatIsAsDocumented() {
        let runs = CompletionMap(frontier: 100, ranges: [101..<1_101])
        #expect(runs.encoded().text == "xk1rAegH")  // 01, e8 07
        let bitmap = CompletionMap(frontier: 100, ranges: [101..<102, 103..<104, 105..<106])
        #expect(bitmap.encoded().text == "xk1bKg")  // 2a
        #expect(CompletionMap(metadata: "xk1rAegH", frontier: 100) == runs)
        #expect(CompletionMap(metadata: "xk1bKg", frontier: 100) == bitmap)
    }

    @Test func containsWhatIsInTheRanges() {
        let map = CompletionMap(frontier: 10, ranges: [11..<13, 20..<21])
        #expect((9..<22).filter { map.contains(Int64($0)) } == [11, 12, 20])
        #expect(map.count == 3)
        #expect(!CompletionMap(frontier: 0, ranges: []).contains(0))
    }

    @Test func rangesThatBreakTheRulesAreLeftOut() {
        #expect(CompletionMap(frontier: 10, ranges: [5..<7]).isEmpty)
        #expect(CompletionMap(frontier: 10, ranges: [12..<14, 13..<20]).ranges == [12..<14])
        #expect(CompletionMap(frontier: 10, ranges: [12..<14, 14..<20]).ranges == [12..<14])
    }

    /// Foreign and damaged texts are ignored, never a trap (R12).
    @Test(arguments: [
        "", "x", "xk", "xk1", "xk1r", "xk2rAegH", "hello", "xk1zAegH", "xk1r!", "xk1rA", "xk1rAA", "xk1rAegHA",
        "xk1r////", "xk1r_____________________w", "xk1rgICAgICAgICAgICAgICAAQE", "xk1bä", "xk1rAAAA",
    ])
    func damagedTextsAreIgnored(text: String) {
        let map = CompletionMap(metadata: text, frontier: 100)
        #expect(map == nil || map?.isEmpty == true)
    }

    @Test func hugeOffsetsDoNotOverflow() {
        #expect(CompletionMap(metadata: "xk1bKg", frontier: .max) == nil)
        #expect(CompletionMap(metadata: "xk1rAegH", frontier: .max) == nil)
        #expect(CompletionMap(metadata: "xk1rAegH", frontier: -1) == nil)
        let far = CompletionMap(frontier: 0, ranges: [1..<2, Int64.max - 1..<Int64.max])
        #expect(CompletionMap(metadata: far.encoded().text, frontier: 0) == far)
    }

    @Test(arguments: SeededGenerator.freshSeeds(200))
    func everyMapComesBack(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let map = randomMap(&random, count: 60)
        let (text, covered) = map.encoded()
        #expect(covered == map.count, "seed \(seed)")
        #expect(text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "seed \(seed)")
        if !map.isEmpty {
            #expect(CompletionMap(metadata: text, frontier: map.frontier) == map, "seed \(seed)")
            #expect(CompletionMap(metadata: String(text.dropLast()), frontier: map.frontier) != map, "seed \(seed)")
        }
    }

    /// What does not fit is cut off at the end: what is left is true, and as much as can be.
    @Test(arguments: SeededGenerator.freshSeeds(100))
    func tooLargeMapsKeepTheirBeginning(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let map = randomMap(&random, count: 400)
        let limit = Int.random(in: 0...400, using: &random)
        let (text, covered) = map.encoded(limit: limit)
        try #require(text.utf8.count <= limit, "seed \(seed)")
        guard !text.isEmpty else {
            #expect(covered == 0)
            return
        }
        let back = try #require(CompletionMap(metadata: text, frontier: map.frontier), "seed \(seed)")
        try #require(back.count == covered, "seed \(seed)")
        for range in back.ranges {
            try #require(map.ranges.contains { $0.lowerBound == range.lowerBound && $0.upperBound >= range.upperBound })
        }
        try #require(Array(map.ranges.map(\.lowerBound).prefix(back.ranges.count)) == back.ranges.map(\.lowerBound))
    }

    private func randomMap(_ random: inout SeededGenerator, count: Int) -> CompletionMap {
        let frontier = Int64.random(in: 0...1_000_000_000, using: &random)
        // Few long runs, or many short ones.
        let longest = [2, 10, 5_000].randomElement(using: &random) ?? 2
        var position = frontier
        var ranges: [Range<Int64>] = []
        for _ in 0..<Int.random(in: 0...count, using: &random) {
            let start = position + Int64.random(in: 1...Int64(longest), using: &random)
            let end = start + Int64.random(in: 1...Int64(longest), using: &random)
            ranges.append(start..<end)
            position = end
        }
        return CompletionMap(frontier: frontier, ranges: ranges)
    }
}
