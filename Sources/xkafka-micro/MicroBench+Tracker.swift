import XKafkaOffsets
import XKafkaWorkers

extension MicroBench {
    private static let window = 10_000

    private struct Tracking {
        var tracker = OffsetTracker(startingAt: 0)
        var next: Int64 = 0
        /// Those that were delivered and are not done, by the order of their delivery.
        var open = [OffsetTracker.Delivery](repeating: .none, count: window)
        /// In which order they are done.
        let order: [Int]

        init(_ order: [Int]) { self.order = order }

        /// Delivers a window of messages, then completes all of them.
        mutating func playWindow() {
            for index in 0..<window {
                open[index] = tracker.deliver(next) ?? .none
                next += 1
            }
            for index in order { _ = tracker.complete(open[index]) }
        }
    }

    /// An operation is a message: delivered, then completed.
    func measureTracker() {
        let window = Self.window
        let inOrder = Array(0..<window)
        // By a hash of the place, so that each run has the same order.
        let atRandom = inOrder.sorted { hash($0) < hash($1) }
        let rounds = rounds(100)
        for (name, order) in [("in order", inOrder), ("at random", atRandom)] {
            measure(
                "tracker: delivered, completed \(name), windows of 10,000",
                operations: rounds * window,
                atMost: 4.5
            ) {
                Tracking(order)
            } _: { tracking in
                for _ in 0..<rounds { tracking.playWindow() }
            }
        }
        measure("tracker: delivered, completed one by one", operations: rounds * window, atMost: 4.5) {
            Tracking(inOrder)
        } _: { tracking in
            for _ in 0..<rounds * window {
                let delivery: OffsetTracker.Delivery = tracking.tracker.deliver(tracking.next) ?? .none
                tracking.next += 1
                _ = tracking.tracker.complete(delivery)
            }
        }
        measure(
            "tracker: a message's share of a commit, every other of 10,000 done",
            operations: rounds * window,
            atMost: 0.4
        ) {
            var tracking = Tracking(inOrder.filter { $0 % 2 == 1 })
            tracking.playWindow()
            return tracking
        } _: { tracking in
            for _ in 0..<rounds { _ = tracking.tracker.completionMap }
        }
    }

    func hash(_ number: Int) -> UInt64 {
        withUnsafeBytes(of: number) { FNV1a.hash64($0) }
    }
}
