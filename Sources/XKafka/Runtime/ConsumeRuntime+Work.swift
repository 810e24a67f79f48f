import Logging
import Synchronization
import XKafkaConsume
import XKafkaCore
import XKafkaEngine
import XKafkaTransport
import XKafkaWorkers

/// What workers do: a message's attempts, its pauses, its dead letter and its end.
///
///     attempt -> completed
///        |---> pause -> attempt             (no worker is held)
///        |---> publish -> dead-lettered     (no worker is held)
///        |        `---> pause -> publish
///        `---> the consumer stops
extension ConsumeRuntime {
    // Part of the workers' loop: most messages need nothing but their handler, and each call of an asynchronous
    // function costs as much as everything else that is done for such a message.
    @inline(__always)
    func work(_ item: WorkItem) async -> WorkOutcome<WorkItem> {
        switch item.trouble?.next {
        case .publish(let publication): return notePublication(item, publication)
        case .republish(let publication, _): return publishAgain(item, publication)
        case .attempt, nil: break
        }
        // Checked before every attempt: nothing starts for a partition that is being given back (R10).
        guard mayStart(item) else { return finish(item, .returned) }
        let context = item.context
        let start = plan.log == nil ? context.receivedAt : item.trouble?.startedAt ?? .now
        if let keyFailure = item.trouble?.keyFailure {
            return retryKey(item, keyFailure, startedAt: start)
        }
        do {
            if let limit = processing.attemptTimeout {
                try await withAttemptTimeout(limit, context) { try await self.plan.handler(context) }
            } else {
                try await plan.handler(context)
            }
            if let log = plan.log, log.logsSuccess { log.ended(context, .success, since: start) }
            return finish(item, .completed)
        } catch {
            return fail(item, error, startedAt: start)
        }
    }

    /// The first attempt at a message in a run. One that is not simply completed goes on like any other.
    @inline(__always)
    func work(_ number: Int, of part: DeliveredBatch.Part) async -> WorkOutcome<WorkItem>? {
        let place = part.place(number)
        guard part.batch.partition.mayStart, !isStopRequested else {
            return finish(WorkItem(place, of: part.batch), .returned)
        }
        let context = part.batch.context(of: place)
        let start = plan.log == nil ? context.receivedAt : .now
        do {
            try await plan.handler(context)
            if let log = plan.log, log.logsSuccess { log.ended(context, .success, since: start) }
            return nil
        } catch {
            return fail(WorkItem(place, of: part.batch), error, startedAt: start)
        }
    }

    /// Notes that messages of a run were completed.
    func end(_ numbers: Range<Int>, of part: DeliveredBatch.Part) {
        let places = part.batch.places[part.place(numbers.lowerBound)..<part.place(numbers.upperBound)]
        let effects = part.batch.partition.complete(places)
        let bytes = places.reduce(0) { $0 + Int($1.bytes) }
        note(effects, completed: effects.madeProgress ? places.count : 0)
        if credit.giveBack(messages: places.count, bytes: bytes) { signal.raise() }
    }

    /// The attempt at a message whose key extractor failed: that failure, or asking once more.
    private func retryKey(
        _ item: WorkItem,
        _ keyFailure: any Error,
        startedAt start: ContinuousClock.Instant
    ) -> WorkOutcome<WorkItem> {
        var failure = keyFailure
        if item.trouble?.failures != nil, let keyExtraction {
            do {
                // At the end of its key's queue: earlier would be too late now, and nothing overlaps (R2).
                try keyExtraction.submitWithKey(item)
                return .finished
            } catch {
                failure = error
            }
        }
        let error = ConsumerError(.keyExtraction, position: item.position, cause: failure)
        return fail(item, error, startedAt: start)
    }

    private func fail(
        _ item: WorkItem,
        _ error: any Error,
        startedAt start: ContinuousClock.Instant
    ) -> WorkOutcome<WorkItem> {
        // Only the pool cancels workers: the drain deadline has passed, or the partition was lost. That is
        // not a failure of the message.
        if Task.isCancelled {
            plan.log?.ended(item.context, .cancelled, since: start)
            return finish(item, .cancelled)
        }
        guard mayStart(item) else { return finish(item, .returned) }
        var item = item
        // A message that waits is copied out of its fetch, which it would otherwise keep in memory.
        if item.trouble == nil { item.context = item.context.copied() }
        var failures = item.trouble?.failures
        let step = plan.rules.fail(item.context, error, record: &failures)
        let keyFailure = item.trouble?.keyFailure
        if let metrics = plan.metrics {
            let willRetry = if case .retry = step { true } else { false }
            metrics.attemptFailed(willRetry: willRetry)
        }
        func trouble(_ next: Trouble.Next) -> Trouble {
            Trouble(failures: failures, startedAt: start, keyFailure: keyFailure, lastError: error, next: next)
        }
        switch step {
        case .retry(let pause):
            item.trouble = trouble(.attempt(at: .now + pause))
            item.context.attempt += 1
            return .parked(item)
        case .publish(let letter):
            item.trouble = trouble(.publish(Publication(letter, attempt: 1)))
            return .parked(item)
        case .stop(let stop):
            plan.log?.ended(item.context, .failed(error), since: start)
            requestStop(failure: stop)
            return finish(item, .returned)
        }
    }

    // MARK: Dead letters

    private func publishAgain(_ item: WorkItem, _ publication: Publication) -> WorkOutcome<WorkItem> {
        guard mayStart(item) else { return finish(item, .returned) }
        return .parked(item.then(.publish(publication)))
    }

    private func notePublication(_ item: WorkItem, _ publication: Publication) -> WorkOutcome<WorkItem> {
        let letter = publication.letter
        let start = item.trouble?.startedAt ?? item.context.receivedAt
        switch publication.outcome {
        case .published:
            plan.rules.published(letter)
            plan.log?.ended(item.context, .deadLettered(letter.error), since: start)
            return finish(item, .deadLettered)
        case .failed(let error):
            guard mayStart(item) else { return finish(item, .returned) }
            let pause = plan.rules.publishFailed(letter, error, attempt: publication.attempt)
            return .parked(item.then(.republish(publication.again, at: .now + pause), after: error))
        case .cancelled:
            plan.log?.ended(item.context, .cancelled, since: start)
            return finish(item, .cancelled)
        case nil:
            return finish(item, .returned)
        }
    }

    // MARK: Waiting

    /// Arranges that a parked message goes on when what it waits for has come.
    func parked(_ key: ParkedKey, _ item: WorkItem) {
        // Otherwise the partition was given up while the message was being parked: nobody removed it then,
        // so the next worker does.
        guard mayStart(item), let trouble = item.trouble else {
            workers?.unpark(key)
            return
        }
        switch trouble.next {
        case .attempt(let time), .republish(_, let time):
            if timers.add(key, at: time) { signal.raise() }
        case .publish(let publication):
            publications.start(for: item.partition) { [plan, weak self] in
                publication.end(await Self.outcome(of: publication.letter, plan.deadLetters))
                self?.workers?.unpark(key)
            }
        }
    }

    private static func outcome(
        of letter: DeadLetter,
        _ publisher: (any DeadLetterPublisher)?
    ) async -> Publication.Outcome {
        guard let publisher else { return .failed(ConsumerError(.deadLetter, cause: letter.error)) }
        do {
            try await publisher.publish(letter)
            return .published
        } catch {
            return Task.isCancelled ? .cancelled : .failed(error)
        }
    }

    // MARK: Ends

    private func mayStart(_ item: WorkItem) -> Bool {
        item.partition.mayStart && !isStopRequested
    }

    private func finish(_ item: WorkItem, _ ending: PartitionState.Ending) -> WorkOutcome<WorkItem> {
        end(item, ending)
        return .finished
    }

    /// Notes how a message ended and wakes the thread when that matters to it.
    func end(_ item: WorkItem, _ ending: PartitionState.Ending) {
        let effects = item.partition.end(item, ending)
        note(effects, completed: effects.madeProgress ? 1 : 0)
        if credit.giveBack(bytes: item.bytes) { signal.raise() }
    }

    private func note(_ effects: PartitionState.Effects, completed count: Int) {
        if count > 0 {
            let (before, after) = progress.add(count, ordering: .releasing)
            if before < processing.commitCount, after >= processing.commitCount { return signal.raise() }
        }
        if effects.isDrained { signal.raise() }
    }
}
