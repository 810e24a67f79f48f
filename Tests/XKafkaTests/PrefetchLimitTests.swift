import Testing
import XKafka

@Suite struct PrefetchLimitTests {
    private let mebibyte = 1_048_576

    @Test(arguments: [(1, 16), (4, 16), (8, 8), (16, 4), (64, 1)])
    func fewPartitionsShareTheBudget(partitions: Int, mebibytesEach: Int) {
        let limit = PrefetchLimit(byteBudget: 64 * mebibyte, partitions: partitions)
        #expect(limit.queueBytes == mebibytesEach * mebibyte)
        #expect(limit.fetchBytes == min(mebibyte, limit.queueBytes / 4))
    }

    @Test func manyPartitionsHoldLessAndLess() {
        var last = Int.max
        for partitions in [64, 128, 256, 512, 1_024] {
            let limit = PrefetchLimit(byteBudget: 64 * mebibyte, partitions: partitions)
            #expect(limit.queueBytes * partitions <= max(last, partitions * 65_536))
            #expect(limit.queueBytes >= 65_536 && limit.fetchBytes <= limit.queueBytes)
            last = limit.queueBytes * partitions
        }
        #expect(PrefetchLimit(byteBudget: 64 * mebibyte, partitions: 256).queueBytes == 65_536)
    }

    @Test func nonsenseIsNoTrap() {
        for (budget, partitions) in [(1, 1), (.max, 1), (1, .max), (.max, .max), (0, 0), (1, -1)] {
            #expect(PrefetchLimit(byteBudget: budget, partitions: partitions).queueBytes >= 65_536)
        }
    }
}
