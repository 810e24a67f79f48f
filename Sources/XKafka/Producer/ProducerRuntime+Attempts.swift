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
        let context = context(of: outgoing, work)
        switch beginning {
        case .start: break
        case .queue: await waitForTurn(outgoing, work)
        case .failure(let error):
            await tryAgain(outgoing, work, context, after: error)
            return
        }
        do {
            succeed(outgoing, context, try await attempt(outgoing, work, context))
        } catch let error as Obstacle {
            fail(outgoing, context, error.reason)
        } catch {
            // Apart, as most often it is not called: what it needs memory for, every message under way would have.
            await tryAgain(outgoing, work, context, after: error)
        }
    }

    /// Tries again for as long as that is allowed and of use.
    private func tryAgain(
        _ outgoing: Outgoing,
        _ work: OutgoingWork,
        _ first: ProduceContext,
        after error: any Error
    ) async {
        var context = first
        var failure = error
        var wasExhausted = false
        while true {
            if let final = await prepareRetry(outgoing, work, context, failure, &wasExhausted) {
                fail(outgoing, context, final)
                return
            }
            context.attempt += 1
            do {
                succeed(outgoing, context, try await attempt(outgoing, work, context))
                return
            } catch let error as Obstacle {
                fail(outgoing, context, error.reason)
                return
            } catch {
                failure = error
            }
        }
    }

    /// Why no attempt was made.
    private struct Obstacle: Error {
        let reason: any Error
    }

    private func context(of outgoing: Outgoing, _ work: OutgoingWork) -> ProduceContext {
        ProduceContext(work, attempt: 1, origin: outgoing)
    }

    /// A message that went straight to librdkafka was given up.
    func giveUp(_ outgoing: Outgoing, _ work: OutgoingWork, _ error: any Error) {
        fail(outgoing, context(of: outgoing, work), error)
    }

    private func attempt(
        _ outgoing: Outgoing,
        _ work: OutgoingWork,
        _ context: ProduceContext
    ) async throws -> ProduceResult {
        if let reason = obstacle(to: work) { throw Obstacle(reason: reason) }
        work.maySend = true
        return try await outgoing.route.function(context)
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
            if let deadline = work.deadline, deadline < resumption {
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
        guard let deadline = work.deadline else { return await work.waitForTurn() }
        let timer = Task {
            try await Task.sleep(until: deadline, clock: .continuous)
            outgoing.tell(ProducerError(.deadlineExceeded))
        }
        await work.waitForTurn()
        timer.cancel()
    }

    /// What stands against an attempt.
    @inline(never)
    private func obstacle(to work: OutgoingWork) -> (any Error)? {
        if let abortion = life.withLock({ $0.abortion }) { return Self.given(up: abortion, nil) }
        if let deadline = work.deadline, deadline <= .now { return ProducerError(.deadlineExceeded) }
        return nil
    }

    /// Not inlined, like all that asynchronous functions here call between waiting: what it needs room for would be kept while
    /// they wait.
    @inline(never)
    private func succeed(_ outgoing: Outgoing, _ context: ProduceContext, _ acknowledged: ProduceResult) {
        var result = acknowledged
        result.attempt = context.attempt
        if let log, log.logsSuccess { log.succeeded(context, result) }
        end(outgoing, .success(result))
    }

    @inline(never)
    private func fail(_ outgoing: Outgoing, _ context: ProduceContext, _ error: any Error) {
        log?.failed(context, error)
        end(outgoing, .failure(error))
    }

    /// Sends, and waits for the acknowledgement.
    func transmit(_ context: ProduceContext) async throws -> ProduceResult {
        let (outgoing, work) = try Self.message(of: context)
        if !work.maySend { try await waitForHandlersTurn(outgoing, work) }
        work.maySend = false
        let report: DeliveryReport
        do {
            report = try await work.report { try send(context, outgoing) }
        } catch {
            noteFailure(of: outgoing)
            throw error
        }
        return try Self.result(report, context)
    }

    /// Has a transport send the message that was given in Kafka's place.
    func transmit(_ context: ProduceContext, through transport: any ProduceTransport) async throws -> ProduceResult {
        let (outgoing, work) = try Self.message(of: context)
        if !work.maySend { try await waitForHandlersTurn(outgoing, work) }
        work.maySend = false
        var message = context.message
        message.topic = context.topic
        do {
            let result = try await transport.send(message)
            log?.noteLevel()
            let partition = outgoing.route.partitionNumber(result.partition)
            work.lastPartition = partition
            var effects = LaneMachine.Effects()
            withLane(of: outgoing) { state in
                guard !outgoing.hasEnded else { return }
                state.machine.acknowledged(outgoing.ticket, partition: partition ?? 0, &effects)
            }
            carryOut(effects)
            return result
        } catch {
            noteFailure(of: outgoing)
            throw error
        }
    }

    private static func message(of context: ProduceContext) throws -> (Outgoing, OutgoingWork) {
        guard let outgoing = context.origin as? Outgoing, let work = outgoing.work else {
            throw ProduceChainError.foreignContext
        }
        return (outgoing, work)
    }

    /// Waits for the turn of a message with a handler that tries again by itself.
    @inline(never)
    private func waitForHandlersTurn(_ outgoing: Outgoing, _ work: OutgoingWork) async throws {
        await waitForAnotherTurn(outgoing, work)
        if let abortion = life.withLock({ $0.abortion }) { throw Self.given(up: abortion, nil) }
        if isOvertaken(outgoing) { throw ProducerError(.overtaken) }
    }

    @inline(never)
    private static func result(_ report: DeliveryReport, _ context: ProduceContext) throws -> ProduceResult {
        if let error = report.error { throw error }
        return ProduceResult(report.receipt, topic: context.topic)
    }

    @inline(never)
    private func send(_ context: ProduceContext, _ outgoing: Outgoing) throws {
        let message = context.message
        try handOver(message, to: try route(of: message), outgoing)
        var effects = LaneMachine.Effects()
        withLane(of: outgoing) { $0.machine.sent(outgoing.ticket, &effects) }
        carryOut(effects)
    }

    @inline(never)
    private func noteFailure(of outgoing: Outgoing) {
        withLane(of: outgoing) { if !outgoing.hasEnded { $0.machine.deliveryFailed(outgoing.ticket) } }
    }
}
