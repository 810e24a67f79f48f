import XKafkaCore
public import XKafkaProduce

extension Producer {
    /// Sends messages, in order and without waiting for one before sending the next, and waits until the brokers
    /// have them all. Ends with the first that fails.
    ///
    /// - Returns: where the messages went, in their order.
    /// - Throws: ``/XKafkaProduce/ProducerError`` with `batchFailed` for the first message, by its place, that
    ///   failed: with its place, its error as the cause, and the results of those before it. Once a failure is
    ///   known no further message is handed in; those that were before go on. When the task is cancelled none is either,
    ///   and nothing is waited for: the cause is a `CancellationError`, or a ``/XKafkaProduce/ProducerError`` with
    ///   `outcomeUnknown` when the message was under way.
    @discardableResult
    public func produceBatch(
        _ messages: some Sequence<ProduceMessage>,
        deadline: ContinuousClock.Instant? = nil
    ) async throws -> [ProduceResult] {
        let start = runtime.metrics.map { _ in ContinuousClock.now }
        defer { if let start { runtime.metrics?.batchEnded(since: start) } }
        let taken = await submit(messages, deadline, BatchCountdown(endsWithFailure: true))
        var results: [ProduceResult] = []
        results.reserveCapacity(taken.count)
        for item in taken {
            do {
                results.append(try await result(of: try item.get()))
            } catch {
                throw ProducerError(.batchFailed, cause: error, batchIndex: results.count, batchResults: results)
            }
        }
        return results
    }

    /// Sends messages, in order and without waiting for one before sending the next, waits once until each has an
    /// outcome, and tells them all.
    ///
    /// - Returns: what became of each message, in their order. When the task is cancelled meanwhile, those that
    ///   were not taken yet have a `CancellationError`, and those under way a ``/XKafkaProduce/ProducerError``
    ///   with `outcomeUnknown`.
    /// - Throws: `CancellationError` when the task was cancelled before.
    public func produceBatchReport(
        _ messages: some Sequence<ProduceMessage>,
        deadline: ContinuousClock.Instant? = nil
    ) async throws -> [Result<ProduceResult, any Error>] {
        try Task.checkCancellation()
        let start = runtime.metrics.map { _ in ContinuousClock.now }
        defer { if let start { runtime.metrics?.batchEnded(since: start) } }
        let countdown = BatchCountdown(endsWithFailure: false)
        let taken = await submit(messages, deadline, countdown)
        let count = taken.count { !$0.isFailure }
        await countdown.waitForAll(of: count)
        return taken.map { item in
            switch item {
            case .success(let outgoing): outgoing.outcome ?? .failure(ProducerError(.outcomeUnknown))
            case .failure(let error): .failure(error)
            }
        }
    }

    /// Hands in the messages of a batch: those with room at once and together, the others one by one.
    private func submit(
        _ messages: some Sequence<ProduceMessage>,
        _ deadline: ContinuousClock.Instant?,
        _ batch: BatchCountdown
    ) async -> [Result<Outgoing, any Error>] {
        var taken: [Result<Outgoing, any Error>] = []
        // A sequence may claim to have any number.
        taken.reserveCapacity(min(messages.underestimatedCount, 100_000))
        let isTogether = deadline == nil && runtime.takesRoomTogether
        var runs = BatchRuns(messages)
        var plain = PlainRun(capacity: isTogether ? runs.limit : 0)
        while !batch.hasEnded, let run = runs.next() {
            let before = taken.count
            if isTogether, run.count > 1, !Task.isCancelled {
                runtime.submitAtOnce(run, batch: batch, to: &taken, by: &plain)
            }
            for message in run.dropFirst(taken.count - before) where !batch.hasEnded {
                do {
                    try Task.checkCancellation()
                    taken.append(.success(try await submit(message, deadline, batch: batch)))
                } catch {
                    batch.refused()
                    taken.append(.failure(error))
                }
            }
        }
        return taken
    }

    private func result(of outgoing: Outgoing) async throws -> ProduceResult {
        do {
            return try await outgoing.wait().get()
        } catch is CancellationError where Task.isCancelled {
            // It may have been delivered in the same moment.
            if let known = outgoing.outcome { return try known.get() }
            throw ProducerError(.outcomeUnknown)
        }
    }
}

/// The messages of a batch. Most often they are in an array: then a few at a time, as slices of it. Any other sequence is
/// asked for one at a time, since it may take as long as it likes for each.
private struct BatchRuns<Messages: Sequence>: IteratorProtocol where Messages.Element == ProduceMessage {
    /// As many as room is taken for together.
    private static var limit: Int { 64 }

    /// How many messages a run of these has at most.
    let limit: Int

    private var array: ArraySlice<ProduceMessage> = []
    /// `nil` when they are in an array.
    private var others: Messages.Iterator?

    init(_ messages: Messages) {
        if let messages = messages as? [ProduceMessage] {
            array = messages[...]
            limit = min(messages.count, Self.limit)
        } else {
            others = messages.makeIterator()
            limit = 1
        }
    }

    mutating func next() -> ArraySlice<ProduceMessage>? {
        if others != nil { return others?.next().map { [$0] } }
        defer { array = array.dropFirst(limit) }
        return array.isEmpty ? nil : array.prefix(limit)
    }
}
