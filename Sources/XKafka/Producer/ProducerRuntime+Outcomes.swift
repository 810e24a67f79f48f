import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

extension ProducerRuntime {
    /// For how many reports of one lane its lock is held: callers want it too.
    private static let reportsTakenAtOnce = 32

    /// Takes delivery reports, on librdkafka's thread: the books first, and then whoever waits is told.
    func deliver(_ batch: [Delivered]) {
        var effects = LaneMachine.Effects()
        effects.finished.reserveCapacity(batch.count)
        var next = 0
        while next < batch.count {
            let number = Self.withOutgoing(batch[next]) { $0.lane }
            lanes.with(number) { lane in
                lane.state.withLock { state in
                    let end = min(batch.count, next + Self.reportsTakenAtOnce)
                    repeat {
                        Self.withOutgoing(batch[next]) { take(batch[next], of: $0, &state, &effects) }
                        next += 1
                    } while next < end && Self.withOutgoing(batch[next]) { $0.lane } == number
                    if isSerial { state.lineUp(&effects) }
                }
            }
        }
        carryOut(effects)
        for delivered in batch {
            Self.withOutgoing(delivered) { outgoing in
                if let work = outgoing.work {
                    work.receive(delivered.report)
                } else if let failure = delivered.failure {
                    failed(outgoing, failure)
                }
            }
        }
    }

    private func take(
        _ delivered: Delivered,
        of outgoing: Outgoing,
        _ state: inout ProducerLane.State,
        _ effects: inout LaneMachine.Effects
    ) {
        let partition = outgoing.route.partitionNumber(delivered.receipt.partition)
        outgoing.work?.lastPartition = partition
        guard !outgoing.hasEnded else {
            // A handler did not wait for it, or it was given up.
            let place = delivered.isSuccess ? partition ?? 0 : nil
            state.machine.reportedLate(outgoing.ticket, acknowledgedIn: place, &effects)
            return
        }
        guard delivered.isSuccess else {
            state.machine.deliveryFailed(outgoing.ticket, &effects)
            return
        }
        if outgoing.work != nil {
            state.machine.acknowledged(outgoing.ticket, partition: partition ?? 0, &effects)
        } else {
            outgoing.hasEnded = true
            outgoing.receipt = delivered.receipt
            state.machine.delivered(outgoing, outgoing.ticket, partition: partition ?? 0, &effects)
        }
    }

    /// A message that went straight to librdkafka was not delivered.
    private func failed(_ outgoing: Outgoing, _ failure: DeliveryReport.Failure) {
        let message = outgoing.message(in: failure)
        let times = outgoing.times ?? OutgoingTimes(receivedAt: .now - failure.age, deadline: nil, of: message)
        failed(outgoing, OutgoingWork(message, of: outgoing, times), failure.error)
    }

    /// A message did not even get to librdkafka.
    func failed(_ outgoing: Outgoing, _ message: ProduceMessage, _ error: any Error) {
        failed(outgoing, OutgoingWork(message, of: outgoing, outgoing.times), error)
    }

    /// A task goes on with a message whose first attempt was made without one.
    private func failed(_ outgoing: Outgoing, _ work: OutgoingWork, _ error: any Error) {
        outgoing.isTaken(by: work)
        let abortion = lanes.with(outgoing.lane) { lane in
            lane.state.withLock { state in
                if state.abortion == nil { state.working[ObjectIdentifier(outgoing)] = outgoing }
                return state.abortion
            }
        }
        if let abortion {
            giveUp(outgoing, work, Self.given(up: abortion, error))
        } else {
            drive(outgoing, from: .failure(error))
        }
    }

    /// Decides the outcome of a message that has a task.
    func end(_ outgoing: Outgoing, _ outcome: Outgoing.Outcome) {
        var effects = LaneMachine.Effects()
        lanes.with(outgoing.lane) { lane in
            lane.state.withLock { state in
                guard !outgoing.hasEnded else { return }
                outgoing.hasEnded = true
                outgoing.work?.decided = outcome
                state.working[ObjectIdentifier(outgoing)] = nil
                state.machine.end(outgoing, outgoing.ticket, &effects)
                if isSerial { state.lineUp(&effects) }
            }
        }
        carryOut(effects)
    }

    /// Does what the machine says.
    func carryOut(_ effects: LaneMachine.Effects) {
        for item in effects.turns {
            let outgoing = Self.outgoing(item)
            lanes.with(outgoing.lane) { lane in
                let wasInQueue = lane.state.withLock { _ in
                    defer { outgoing.work?.isInQueue = false }
                    return outgoing.work?.isInQueue ?? false
                }
                if wasInQueue { lane.gate.leave(bytes: 0) }
            }
            outgoing.work?.grantTurn()
        }
        if isSerial { tellInOrder() } else { tell(effects.finished) }
    }

    private var isSerial: Bool { order == .ofAll }

    /// Tells what is lined up, unless another thread is at it, which then tells this as well.
    private func tellInOrder() {
        while true {
            let next = lanes.with(0) { lane in
                lane.state.withLock { state -> [LaneMachine.Item] in
                    guard !state.isTelling, !state.untold.isEmpty else { return [] }
                    state.isTelling = true
                    defer { state.untold = [] }
                    return state.untold
                }
            }
            guard !next.isEmpty else { return }
            tell(next)
            lanes.with(0) { lane in lane.state.withLock { $0.isTelling = false } }
        }
    }

    private func tell(_ finished: [LaneMachine.Item]) {
        guard !finished.isEmpty else { return }
        var bytes = 0
        for item in finished {
            let outgoing = Self.outgoing(item)
            metrics?.ended(outgoing)
            bytes += outgoing.bytes
            outgoing.tell()
        }
        gate.leave(messages: finished.count, bytes: bytes)
        // Last: whoever flushes finds every outcome told. Most often all of them began in the same span.
        var (span, count) = (Self.outgoing(finished[0]).span, 0)
        for item in finished {
            let other = Self.outgoing(item).span
            if other != span {
                flush.end(span, count)
                (span, count) = (other, 0)
            }
            count += 1
        }
        flush.end(span, count)
    }

    private static func withOutgoing<Result>(_ delivered: Delivered, _ body: (Outgoing) -> Result) -> Result {
        delivered.withTarget { body(unsafeDowncast($0, to: Outgoing.self)) }
    }

    /// The message that the machine gives back. It is given nothing else, as librdkafka is not, and finding that out again
    /// for each would take longer than all they do.
    private static func outgoing(_ item: LaneMachine.Item) -> Outgoing {
        unsafeDowncast(item as AnyObject, to: Outgoing.self)
    }

    /// What a message fails with that was given up for `reason`: with its own error, which tells whether it
    /// may be in the log.
    static func given(up reason: any Error, _ error: (any Error)?) -> any Error {
        guard let reason = reason as? ProducerError, reason.code == .closed else { return reason }
        return ProducerError(.closed, cause: error)
    }
}

extension ProducerLane.State {
    /// Serial only: what has finished is told in the order in which it did, whoever tells it.
    fileprivate mutating func lineUp(_ effects: inout LaneMachine.Effects) {
        untold.append(contentsOf: effects.finished)
        effects.finished.removeAll(keepingCapacity: true)
    }
}

extension ProduceResult {
    /// What a broker acknowledged at the first attempt.
    init(_ receipt: DeliveryReceipt, topic: String) {
        self.init(
            topic: topic,
            partition: receipt.partition,
            offset: receipt.offset,
            timestamp: receipt.timestamp,
            attempt: 1,
            persistence: receipt.isPossiblyPersisted ? .possiblyPersisted : .persisted
        )
    }
}
