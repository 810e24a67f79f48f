import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce

/// What one lane of a producer shares between its callers and the thread of the delivery reports.
///
/// Messages of different lanes have nothing to do with each other, so each lane has a lock of its own.
struct ProducerLane: ~Copyable, Sendable {
    struct State: Sendable {
        var machine: LaneMachine
        /// Those that have a task.
        var working: [ObjectIdentifier: Outgoing] = [:]
        /// Why nothing can be sent any more: it was closed, or librdkafka met a fatal error.
        var refusal: (any Error)?
        /// Why nothing is waited for any more.
        var abortion: (any Error)?
        /// Serial only: what is to be told, in order, by one thread at a time.
        var untold: [LaneMachine.Item] = []
        var isTelling = false
    }

    let state: Mutex<State>
    /// Bounds what it holds back.
    let gate: CreditGate

    init(_ config: ProducerDispatchConfig) {
        gate = CreditGate(messages: config.queueSize, bytes: 1)
        // The machine could keep the books of many lanes; each has one of its own, behind its own lock.
        state = Mutex(
            State(
                machine: LaneMachine(
                    lanes: 1,
                    maxInFlight: config.maxInFlight ?? .max,
                    isSerial: config.order == .ofAll
                )
            )
        )
    }

    /// Asks the machine to take a message.
    borrowing func admit(
        _ outgoing: Outgoing,
        _ message: ProduceMessage,
        mayQueue: Bool
    ) throws -> LaneMachine.Submission {
        try state.withLock { state in
            if let refusal = state.refusal { throw refusal }
            let submission = state.machine.submit(
                outgoing,
                lane: 0,
                domain: outgoing.orderDomain,
                isSentAtOnce: outgoing.work == nil,
                mayQueue: mayQueue
            )
            switch submission {
            case .mustWait: return submission
            case .started(let ticket): outgoing.ticket = ticket
            case .queued(let ticket):
                outgoing.ticket = ticket
                if outgoing.work == nil { outgoing.isTaken(by: OutgoingWork(message, of: outgoing, outgoing.times)) }
                outgoing.work?.isInQueue = true
            }
            if outgoing.work != nil { state.working[ObjectIdentifier(outgoing)] = outgoing }
            return submission
        }
    }
}

/// The lanes of a producer.
///
/// Not an array of objects: taking one out would count its references, from all threads at once.
///
/// `@unchecked Sendable`: the memory is allocated once and freed with this object, and what lies in it locks itself.
final class ProducerLanes: @unchecked Sendable {
    let count: Int
    private let lanes: UnsafeMutablePointer<ProducerLane>

    init(_ config: ProducerDispatchConfig) {
        count = config.laneCount
        lanes = .allocate(capacity: count)
        for number in 0..<count { (lanes + number).initialize(to: ProducerLane(config)) }
    }

    deinit {
        lanes.deinitialize(count: count)
        lanes.deallocate()
    }

    /// Calls `body` with the lane of this number, from 0.
    func with<Result, Failure: Error>(
        _ number: Int,
        _ body: (borrowing ProducerLane) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition((0..<count).contains(number), "lane out of range")
        return try body(lanes[number])
    }

    /// Calls `body` with each lane in turn.
    func forEach<Failure: Error>(_ body: (borrowing ProducerLane) throws(Failure) -> Void) throws(Failure) {
        for number in 0..<count { try body(lanes[number]) }
    }
}
