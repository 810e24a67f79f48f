import DequeModule
import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

extension ProducerRuntime {
    /// Takes delivery reports, on librdkafka's thread: one lock for all of them, and then whoever waits is told.
    func deliver(_ batch: [Delivered]) {
        var effects = LaneMachine.Effects()
        effects.finished.reserveCapacity(batch.count)
        let abortion = state.withLock { state -> (any Error)? in
            for delivered in batch {
                // Nothing else is ever sent with a target.
                guard let outgoing = delivered.target as? Outgoing else { continue }
                take(delivered.report, of: outgoing, &state, &effects)
            }
            state.lineUp(&effects)
            return state.abortion
        }
        carryOut(effects)
        for delivered in batch {
            guard let outgoing = delivered.target as? Outgoing else { continue }
            if outgoing.isDriven {
                outgoing.receive(delivered.report)
            } else if let error = delivered.report.error {
                if let abortion {
                    giveUp(outgoing, Self.given(up: abortion, error))
                } else {
                    failed(outgoing, error)
                }
            }
        }
    }

    private func take(
        _ report: DeliveryReport,
        of outgoing: Outgoing,
        _ state: inout State,
        _ effects: inout LaneMachine.Effects
    ) {
        let partition = outgoing.route.partitionNumber(report.partition)
        outgoing.lastPartition = partition
        guard !outgoing.hasEnded else {
            // A handler did not wait for it, or it was given up.
            state.machine.reportedLate(outgoing.ticket, &effects)
            return
        }
        guard report.isSuccess else {
            state.machine.deliveryFailed(outgoing.ticket)
            return
        }
        if outgoing.isDriven {
            state.machine.acknowledged(outgoing.ticket, partition: partition ?? 0, &effects)
        } else {
            outgoing.hasEnded = true
            outgoing.decided = .success(ProduceResult(report, topic: outgoing.route.topic))
            state.machine.delivered(outgoing, outgoing.ticket, partition: partition ?? 0, &effects)
        }
    }

    /// A message that went straight to librdkafka failed: a task goes on with it.
    func failed(_ outgoing: Outgoing, _ error: any Error) {
        outgoing.isDriven = true
        state.withLock { $0.driven[ObjectIdentifier(outgoing)] = outgoing }
        drive(outgoing, from: .failure(error))
    }

    /// Decides the outcome of a message.
    func end(_ outgoing: Outgoing, _ outcome: Outgoing.Outcome) {
        var effects = LaneMachine.Effects()
        state.withLock { state in
            guard !outgoing.hasEnded else { return }
            outgoing.hasEnded = true
            outgoing.decided = outcome
            state.driven[ObjectIdentifier(outgoing)] = nil
            state.machine.end(outgoing, outgoing.ticket, &effects)
            state.lineUp(&effects)
        }
        carryOut(effects)
    }

    /// Does what the machine says.
    func carryOut(_ effects: LaneMachine.Effects) {
        for case let outgoing as Outgoing in effects.turns {
            let wasInQueue = state.withLock { _ in
                defer { outgoing.isInQueue = false }
                return outgoing.isInQueue
            }
            if wasInQueue { laneGates[outgoing.ticket.lane].leave(bytes: 0) }
            outgoing.grantTurn()
        }
        if isSerial { tellInOrder() } else { tell(effects.finished.compactMap { $0 as? Outgoing }) }
    }

    private var isSerial: Bool { config.dispatch.mode == .serial }

    /// Tells what is lined up, unless another thread is at it, which then tells this as well.
    private func tellInOrder() {
        while true {
            let next = state.withLock { state -> Deque<Outgoing> in
                guard !state.isTelling, !state.untold.isEmpty else { return [] }
                state.isTelling = true
                defer { state.untold = [] }
                return state.untold
            }
            guard !next.isEmpty else { return }
            tell(Array(next))
            state.withLock { $0.isTelling = false }
        }
    }

    private func tell(_ finished: [Outgoing]) {
        guard !finished.isEmpty else { return }
        metrics?.ended(finished)
        var bytes = 0
        for outgoing in finished {
            bytes += outgoing.bytes
            outgoing.tell()
        }
        gate.leave(messages: finished.count, bytes: bytes)
        // Last: whoever flushes finds every outcome told.
        let flushed = state.withLock { state -> [OneShot<Void>] in
            var isReached = false
            for outgoing in finished where state.flush.end(outgoing.span) { isReached = true }
            guard isReached, !state.flushWaiters.isEmpty else { return [] }
            let reached = state.flushWaiters.filter { state.flush.isReached($0.value.mark) }
            for id in reached.keys { state.flushWaiters[id] = nil }
            return reached.values.map(\.done)
        }
        for waiter in flushed { waiter.resolve(()) }
    }

    /// What a message fails with that was given up for `reason`: with its own error, which tells whether it
    /// may be in the log.
    static func given(up reason: any Error, _ error: (any Error)?) -> any Error {
        guard let reason = reason as? ProducerError, reason.code == .closed else { return reason }
        return ProducerError(.closed, cause: error)
    }
}

extension ProducerRuntime.State {
    /// Serial only: what has finished is told in the order in which it did, whoever tells it.
    fileprivate mutating func lineUp(_ effects: inout LaneMachine.Effects) {
        guard isSerial, !effects.finished.isEmpty else { return }
        untold.append(contentsOf: effects.finished.compactMap { $0 as? Outgoing })
        effects.finished = []
    }
}

extension ProduceResult {
    init(_ report: DeliveryReport, topic: String) {
        self.init(
            topic: topic,
            partition: report.partition,
            offset: report.offset,
            timestamp: report.timestamp,
            attempt: 1,
            persistence: report.isPossiblyPersisted ? .possiblyPersisted : .persisted
        )
    }
}
