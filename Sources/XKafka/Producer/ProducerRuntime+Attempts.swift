import Synchronization
import XKafkaCore
import XKafkaEngine
import XKafkaProduce
import XKafkaTransport

/// The way of a message that has handlers, was held back, or failed at its first attempt: on a task of its own.
extension ProducerRuntime {
    /// Where the task of a message sets in.
    enum Beginning: Sendable {
        /// It may start.
        case start
        /// It was held back.
        case queue
        /// Its first attempt was made without a task, and failed.
        case failure(any Error)

        var isFailure: Bool { if case .failure = self { true } else { false } }
    }

    /// Starts the task of a message. Made on the caller's, it has the caller's task-local values.
    ///
    /// It begins at once, on the caller's thread, so that a message whose handlers do not wait is with librdkafka
    /// when this returns: otherwise the next one of its key would have to queue, and each would cost a change of threads.
    /// Not after a failure, which comes from the thread that serves the reports: that one runs nobody's code.
    func drive(_ outgoing: Outgoing, from beginning: Beginning) {
        guard let work = outgoing.work else { return }
        let task: Task<Void, Never>
        if #available(macOS 26, *), !beginning.isFailure {
            task = Task.immediate { await self.run(outgoing, work, from: beginning) }
        } else {
            task = Task { await self.run(outgoing, work, from: beginning) }
        }
        work.setTask(task)
    }

    private func run(_ outgoing: Outgoing, _ work: OutgoingWork, from beginning: Beginning) async {
        var context = context(of: outgoing, work)
        var wasExhausted = false
        var failure: (any Error)?
        switch beginning {
        case .start: break
        case .queue: await waitForTurn(outgoing, work)
        case .failure(let error): failure = error
        }
        while true {
            if failure == nil {
                if let obstacle = obstacle(to: work) {
                    finish(outgoing, context, .failure(obstacle))
                    return
                }
                work.maySend = true
                do {
                    var result = try await attempt(context)
                    result.attempt = context.attempt
                    finish(outgoing, context, .success(result))
                    return
                } catch {
                    failure = error
                }
            }
            guard let error = failure else { continue }
            if let final = await prepareRetry(outgoing, work, context, error, &wasExhausted) {
                finish(outgoing, context, .failure(final))
                return
            }
            failure = nil
            context.attempt += 1
        }
    }

    private func context(of outgoing: Outgoing, _ work: OutgoingWork) -> ProduceContext {
        ProduceContext(
            work.message,
            topic: outgoing.route.topic,
            attempt: 1,
            receivedAt: work.times.receivedAt,
            worker: outgoing.lane,
            origin: outgoing
        )
    }

    /// A message that went straight to librdkafka was given up.
    func giveUp(_ outgoing: Outgoing, _ work: OutgoingWork, _ error: any Error) {
        finish(outgoing, context(of: outgoing, work), .failure(error))
    }

    private func attempt(_ context: ProduceContext) async throws -> ProduceResult {
        guard let outgoing = context.origin as? Outgoing, let chain = outgoing.route.chain else {
            return try await transmit(context)
        }
        return try await chain.function(context)
    }

    /// Waits until a message that failed may be tried again. Otherwise answers what it fails with.
    private func prepareRetry(
        _ outgoing: Outgoing,
        _ work: OutgoingWork,
        _ context: ProduceContext,
        _ error: any Error,
        _ wasExhausted: inout Bool
    ) async -> (any Error)? {
        let failedAt = ContinuousClock.now
        if let abortion = life.withLock({ $0.abortion }) { return Self.given(up: abortion, error) }
        if (error as? KafkaError)?.errorClass == .fatal { abort(error) }
        var obstacle: (any Error)?
        if rules.mayRetry(error, attempt: context.attempt) {
            // What was sent after it decides whether it can be sent again in its order.
            await waitForAnotherTurn(outgoing, work)
            if let abortion = life.withLock({ $0.abortion }) { return Self.given(up: abortion, error) }
            if isOvertaken(outgoing) { obstacle = ProducerError(.overtaken, cause: error) }
        }
        switch rules.failed(context, obstacle ?? error, mayRetry: obstacle == nil, wasExhausted: &wasExhausted) {
        case .fail(let final): return final
        case .retry(let pause):
            // From the failure on: those that failed together do not wait one after the other.
            let resumption = failedAt + pause
            if let deadline = work.times.deadline, deadline < resumption {
                try? await Task.sleep(until: deadline, clock: .continuous)
                return ProducerError(.deadlineExceeded, cause: error)
            }
            // Cancelled when everything is given up.
            try? await Task.sleep(until: resumption, clock: .continuous)
            if let abortion = life.withLock({ $0.abortion }) { return Self.given(up: abortion, error) }
            return nil
        }
    }

    /// Waits until a message that was sent before may be sent again.
    private func waitForAnotherTurn(_ outgoing: Outgoing, _ work: OutgoingWork) async {
        var effects = LaneMachine.Effects()
        withLane(of: outgoing) { state in
            // Nobody would give it a turn any more.
            if state.abortion != nil || outgoing.hasEnded {
                effects.turns.append(outgoing)
            } else {
                state.machine.retry(outgoing, outgoing.ticket, &effects)
            }
        }
        carryOut(effects)
        await waitForTurn(outgoing, work)
    }

    private func withLane<Result: Sendable>(
        of outgoing: Outgoing,
        _ body: (inout ProducerLane.State) -> Result
    ) -> Result {
        lanes.with(outgoing.lane) { lane in lane.state.withLock { body(&$0) } }
    }

    private func isOvertaken(_ outgoing: Outgoing) -> Bool {
        let partition = outgoing.work?.lastPartition
        return withLane(of: outgoing) { $0.machine.isOvertaken(outgoing.ticket, partition: partition) }
    }

    /// Waits for the message's turn. One whose deadline passes meanwhile is told so, and keeps its place until
    /// the turn comes.
    private func waitForTurn(_ outgoing: Outgoing, _ work: OutgoingWork) async {
        guard let deadline = work.times.deadline else { return await work.waitForTurn() }
        let timer = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            outgoing.tell(ProducerError(.deadlineExceeded))
        }
        await work.waitForTurn()
        timer.cancel()
    }

    /// What stands against an attempt.
    private func obstacle(to work: OutgoingWork) -> (any Error)? {
        if let abortion = life.withLock({ $0.abortion }) { return Self.given(up: abortion, nil) }
        if let deadline = work.times.deadline, deadline <= .now { return ProducerError(.deadlineExceeded) }
        return nil
    }

    private func finish(_ outgoing: Outgoing, _ context: ProduceContext, _ outcome: Outgoing.Outcome) {
        switch outcome {
        case .success(let result): log?.succeeded(context, result)
        case .failure(let error): log?.failed(context, error)
        }
        end(outgoing, outcome)
    }

    /// The innermost function of a chain: sends, and waits for the acknowledgement.
    func transmit(_ context: ProduceContext) async throws -> ProduceResult {
        guard let outgoing = context.origin as? Outgoing, let work = outgoing.work else {
            throw ProduceChainError.foreignContext
        }
        if !work.maySend {
            // A handler that tries again by itself.
            await waitForAnotherTurn(outgoing, work)
            if let abortion = life.withLock({ $0.abortion }) { throw Self.given(up: abortion, nil) }
            if isOvertaken(outgoing) { throw ProducerError(.overtaken) }
        }
        work.maySend = false
        if let transport { return try await transmit(context, outgoing, through: transport) }
        let report: DeliveryReport
        do {
            report = try await work.report {
                try handOver(context.message, to: try route(of: context.message), outgoing)
                var effects = LaneMachine.Effects()
                withLane(of: outgoing) { $0.machine.sent(outgoing.ticket, &effects) }
                carryOut(effects)
            }
        } catch {
            withLane(of: outgoing) { if !outgoing.hasEnded { $0.machine.deliveryFailed(outgoing.ticket) } }
            throw error
        }
        if let error = report.error { throw error }
        return ProduceResult(report.receipt, topic: context.topic)
    }

    private func transmit(
        _ context: ProduceContext,
        _ outgoing: Outgoing,
        through transport: any ProduceTransport
    ) async throws -> ProduceResult {
        var message = context.message
        message.topic = context.topic
        do {
            let result = try await transport.send(message)
            let partition = outgoing.route.partitionNumber(result.partition)
            outgoing.work?.lastPartition = partition
            var effects = LaneMachine.Effects()
            withLane(of: outgoing) { state in
                guard !outgoing.hasEnded else { return }
                state.machine.acknowledged(outgoing.ticket, partition: partition ?? 0, &effects)
            }
            carryOut(effects)
            return result
        } catch {
            withLane(of: outgoing) { if !outgoing.hasEnded { $0.machine.deliveryFailed(outgoing.ticket) } }
            throw error
        }
    }
}
