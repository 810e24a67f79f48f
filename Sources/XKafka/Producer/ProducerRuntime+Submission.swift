import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

/// How messages come in.
extension ProducerRuntime {
    /// Takes a message over if that needs no waiting; answers `nil` when it does.
    func submitAtOnce(_ message: ProduceMessage, batch: BatchCountdown? = nil) throws -> Outgoing? {
        let route = try route(of: message)
        let bytes = message.byteCount
        guard gate.enterAtOnce(bytes: bytes) else { return nil }
        let span = flush.begin()
        do {
            if let outgoing = try takeAtOnce(message, route, bytes, span, batch: batch) {
                start(outgoing, message)
                return outgoing
            }
            leave(1, bytes, span)
            return nil
        } catch {
            leave(1, bytes, span)
            throw error
        }
    }

    /// Takes a message over. Returns when it is on its way: with librdkafka, or in its lane.
    func submit(
        _ message: ProduceMessage,
        deadline: ContinuousClock.Instant?,
        batch: BatchCountdown? = nil
    ) async throws -> Outgoing {
        let route = try route(of: message)
        if let deadline, deadline <= .now { throw ProducerError(.deadlineExceeded) }
        let bytes = message.byteCount
        if !gate.enterAtOnce(bytes: bytes) { try await enter(gate, bytes: bytes, deadline) }
        let needsTimes = deadline != nil || needsTimes(message)
        let times = needsTimes ? OutgoingTimes(deadline: deadline, of: message) : nil
        let outgoing = outgoing(message, route, bytes, times, batch)
        do {
            try batch?.checkForEnd()
            var submission = try admit(outgoing, message, mayQueue: false)
            if case .mustWait = submission {
                let laneGate = lanes.with(outgoing.lane) { $0.gate }
                try await enter(laneGate, bytes: 0, deadline)
                do {
                    try batch?.checkForEnd()
                    submission = try admit(outgoing, message, mayQueue: true)
                } catch {
                    laneGate.leave(bytes: 0)
                    throw error
                }
                if case .started = submission { laneGate.leave(bytes: 0) }
            }
            switch submission {
            case .mustWait: break
            case .queued: drive(outgoing, from: .queue)
            case .started: start(outgoing, message)
            }
            return outgoing
        } catch {
            gate.leave(bytes: bytes)
            throw error
        }
    }

    // MARK: Parts

    /// Takes over a message for which there is room, to be sent by the caller; answers `nil` when it would have to wait for
    /// its turn.
    @inline(__always)
    func takeAtOnce(
        _ message: ProduceMessage,
        _ route: ProduceRoute,
        _ bytes: Int,
        _ span: UInt32,
        batch: BatchCountdown?
    ) throws -> Outgoing? {
        let times = needsTimes(message) ? OutgoingTimes(of: message) : nil
        let outgoing = outgoing(message, route, bytes, times, batch)
        // Before it can end.
        outgoing.span = span
        let submission = try lanes.with(outgoing.lane) { lane throws in
            try lane.admit(outgoing, message, mayQueue: false)
        }
        guard case .started = submission else { return nil }
        return outgoing
    }

    /// Messages that had room are not taken over after all.
    func leave(_ count: Int, _ bytes: Int, _ span: UInt32) {
        flush.end(span, count)
        gate.leave(messages: count, bytes: bytes)
    }

    private func outgoing(
        _ message: ProduceMessage,
        _ route: ProduceRoute,
        _ bytes: Int,
        _ times: OutgoingTimes?,
        _ batch: BatchCountdown?
    ) -> Outgoing {
        let place = place(of: message, route)
        let outgoing = Outgoing(
            message,
            route,
            lane: place.lane,
            domain: place.domain,
            bytes: bytes,
            batch: batch,
            times: times
        )
        if needsTask || route.hasHandlers || log?.logsSuccess == true {
            outgoing.isTaken(by: OutgoingWork(message, of: outgoing, times))
        }
        return outgoing
    }

    /// Whether it matters when a message without a deadline came. Those with handlers have ``OutgoingWork``, which notes it.
    private func needsTimes(_ message: ProduceMessage) -> Bool {
        message.timestamp != nil || metrics != nil
    }

    private func admit(
        _ outgoing: Outgoing,
        _ message: ProduceMessage,
        mayQueue: Bool
    ) throws -> LaneMachine.Submission {
        // Before it can end.
        outgoing.span = flush.begin()
        do {
            let submission = try lanes.with(outgoing.lane) { lane throws in
                try lane.admit(outgoing, message, mayQueue: mayQueue)
            }
            if case .mustWait = submission { flush.end(outgoing.span, 1) }
            return submission
        } catch {
            flush.end(outgoing.span, 1)
            throw error
        }
    }

    func start(_ outgoing: Outgoing, _ message: ProduceMessage) {
        if outgoing.work == nil {
            sendDirectly(outgoing, message)
        } else {
            drive(outgoing, from: .start)
        }
    }

    private func sendDirectly(_ outgoing: Outgoing, _ message: ProduceMessage) {
        do {
            try handOver(message, to: outgoing.route, outgoing)
        } catch {
            wasRefused(outgoing, message, error)
        }
    }

    /// librdkafka did not take a message that was started.
    func wasRefused(_ outgoing: Outgoing, _ message: ProduceMessage, _ error: any Error) {
        lanes.with(outgoing.lane) { lane in
            lane.state.withLock { $0.machine.deliveryFailed(outgoing.ticket) }
        }
        failed(outgoing, message, error)
    }

    /// Puts a message into librdkafka's queue.
    func handOver(_ message: ProduceMessage, to route: ProduceRoute, _ outgoing: Outgoing) throws {
        // A closure and not the method, which would count a reference to this object for each message; and there are weak
        // ones to it, so that counting is slow.
        try route.withLink {
            try client()
        } _: { link in
            try link.client.send(
                to: link.topic,
                partition: message.partition,
                key: message.key,
                value: message.value,
                headers: message.headers,
                timestamp: message.timestamp,
                target: outgoing
            )
        }
    }

    /// Waits for room, at most until `deadline`.
    private func enter(_ gate: CreditGate, bytes: Int, _ deadline: ContinuousClock.Instant?) async throws {
        guard let deadline else { return try await gate.enter(bytes: bytes) }
        if try await finishes(by: deadline, { try await gate.enter(bytes: bytes) }) { return }
        try Task.checkCancellation()
        throw ProducerError(.deadlineExceeded)
    }
}

extension ProduceMessage {
    /// What the message counts in the bound on bytes in flight. No message of 4 GiB gets further than to librdkafka's
    /// refusal, so that what is more counts as that: ``Outgoing`` keeps 32 bits of it.
    var byteCount: Int {
        var bytes = (key?.count ?? 0) + (value?.count ?? 0)
        if !headers.isEmpty {
            bytes = headers.reduce(bytes) { $0 + $1.nameBytes.count + ($1.value?.count ?? 0) }
        }
        return min(bytes, Int(UInt32.max))
    }
}
