import XKafkaCore
public import XKafkaProduce

extension Producer {
    /// Sends messages, in order and without waiting for one before sending the next, and waits until the brokers
    /// have them all. Ends with the first that fails.
    ///
    /// - Returns: where the messages went, in their order.
    /// - Throws: ``/XKafkaProduce/ProducerError`` with `batchFailed` for the first message, by its place, that
    ///   failed: with its place, its error as the cause, and the results of those before it. Once a failure is
    ///   known no further message is sent; those that were sent before go on.
    @discardableResult
    public func produceBatch(
        _ messages: some Sequence<ProduceMessage>,
        deadline: ContinuousClock.Instant? = nil
    ) async throws -> [ProduceResult] {
        let start = runtime.metrics.map { _ in ContinuousClock.now }
        defer { if let start { runtime.metrics?.batchEnded(since: start) } }
        let countdown = BatchCountdown()
        var taken: [Outgoing] = []
        var refusal: (any Error)?
        var messages = BatchMessages(messages)
        while let message = messages.next() {
            if countdown.hasFailed { break }
            do {
                taken.append(try await submit(message, deadline, batch: countdown))
            } catch {
                refusal = error
                break
            }
        }
        var results: [ProduceResult] = []
        for outgoing in taken {
            do {
                results.append(try await result(of: outgoing))
            } catch {
                throw ProducerError(.batchFailed, cause: error, batchIndex: results.count, batchResults: results)
            }
        }
        if let refusal {
            throw ProducerError(.batchFailed, cause: refusal, batchIndex: results.count, batchResults: results)
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
        let countdown = BatchCountdown()
        var taken: [Result<Outgoing, any Error>] = []
        taken.reserveCapacity(messages.underestimatedCount)
        var count = 0
        var messages = BatchMessages(messages)
        while let message = messages.next() {
            do {
                try Task.checkCancellation()
                taken.append(.success(try await submit(message, deadline, batch: countdown)))
                count += 1
            } catch {
                taken.append(.failure(error))
            }
        }
        await countdown.waitForAll(of: count)
        return taken.map { item in
            switch item {
            case .success(let outgoing): outgoing.outcome ?? .failure(ProducerError(.outcomeUnknown))
            case .failure(let error): .failure(error)
            }
        }
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

/// The messages of a batch, one after the other. Most often they are an array, which has a way of its own here: the
/// iterator of a sequence that is not known when this is compiled takes an allocation for each element.
private struct BatchMessages<Messages: Sequence>: IteratorProtocol where Messages.Element == ProduceMessage {
    private let array: [ProduceMessage]?
    private var index = 0
    private var rest: Messages.Iterator

    init(_ messages: Messages) {
        array = messages as? [ProduceMessage]
        rest = messages.makeIterator()
    }

    mutating func next() -> ProduceMessage? {
        guard let array else { return rest.next() }
        guard index < array.count else { return nil }
        defer { index += 1 }
        return array[index]
    }
}
