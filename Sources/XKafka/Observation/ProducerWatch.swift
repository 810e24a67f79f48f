import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

/// What a producer remembers between two looks at it, so that messages need no clock of their own: every look marks
/// what is under way, and a mark that is not reached yet is as old as the oldest message at least.
struct ProducerWatch: Sendable {
    /// How far marks are apart at least, and how many there are at most.
    static let spacing = Duration.seconds(1)
    static let limit = 300

    var marks: [(mark: UInt64, time: ContinuousClock.Instant)] = []
    var fullSince: ContinuousClock.Instant?
    var brokersDownSince: ContinuousClock.Instant?
    var isAsking = false
}

extension ProducerRuntime {
    /// How long a broker may take to answer that it is there. A producer that ends meanwhile waits for that.
    private static let answerLimit = Duration.milliseconds(500)

    /// Looks at what is under way.
    func vitals(at now: ContinuousClock.Instant) -> ProducerVitals {
        var isFull = gate.isAwaited
        lanes.forEach { isFull = isFull || $0.gate.isAwaited }
        var vitals = ProducerVitals()
        watch.withLock { watch in
            let life = life.withLock { $0 }
            vitals.isClosed = life.hasCloseBegun
            if (life.abortion as? ProducerError)?.code != .closed { vitals.fatalError = life.abortion }
            watch.marks.removeAll { flush.isReached($0.mark) }
            let isDue = watch.marks.last.map { $0.time.duration(to: now) >= ProducerWatch.spacing } ?? true
            if isDue, watch.marks.count < ProducerWatch.limit, let mark = flush.mark() {
                watch.marks.append((mark, now))
            }
            watch.fullSince = isFull ? watch.fullSince ?? now : nil
            vitals.fullSince = watch.fullSince
            vitals.oldestSince = watch.marks.first?.time
            vitals.brokersDownSince = watch.brokersDownSince
        }
        if vitals.brokersDownSince != nil { lookForBrokers() }
        return vitals
    }

    func noteBrokersDown() {
        watch.withLock { $0.brokersDownSince = $0.brokersDownSince ?? .now }
        areBrokersDown.store(true, ordering: .relaxed)
    }

    /// Looks for a sign of life in reports. Costs nothing while the brokers are there.
    func noteReports(_ batch: [Delivered]) {
        guard areBrokersDown.load(ordering: .relaxed), batch.contains(where: { $0.isSuccess }) else { return }
        noteSignOfLife()
    }

    private func noteSignOfLife() {
        areBrokersDown.store(false, ordering: .relaxed)
        watch.withLock { $0.brokersDownSince = nil }
    }

    /// librdkafka says once that all brokers are down, and never that one is back: while nothing is sent, only a question
    /// tells.
    private func lookForBrokers() {
        guard let client = connection.withLock({ if case .open(let client) = $0 { client } else { nil } }) else {
            return
        }
        let isFirst = watch.withLock { watch in
            defer { watch.isAsking = true }
            return !watch.isAsking
        }
        guard isFirst else { return }
        DedicatedThread.start("xkafka.question") { [self] in
            let isAnswered = client.isAnswered(within: Self.answerLimit)
            watch.withLock { $0.isAsking = false }
            if isAnswered { noteSignOfLife() }
        }
    }
}
