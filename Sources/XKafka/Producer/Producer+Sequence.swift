public import XKafkaProduce

extension Producer {
    /// The default of how many messages ``results(of:lookAhead:)`` is ahead of its reader, 1,000.
    public static let defaultLookAhead = 1_000

    /// Sends the messages of a sequence as they come, and gives what became of each, in their order.
    ///
    /// ```swift
    /// for try await result in producer.results(of: messages) {
    ///     print(try result.get().offset ?? -1)
    /// }
    /// ```
    ///
    /// A message that fails does not end the sequence; an error of `messages` does, after the results of what came
    /// before. Nothing is sent before the first result is asked for. Sending stops when the reader does.
    ///
    /// - Parameters:
    ///   - messages: what to send.
    ///   - lookAhead: how many messages may be sent whose results were not read yet, at least 1. Default 1,000.
    public func results<Messages: AsyncSequence & Sendable>(
        of messages: Messages,
        lookAhead: Int = Producer.defaultLookAhead
    ) -> ProduceResults<Messages> where Messages.Element == ProduceMessage {
        ProduceResults(producer: self, messages: messages, lookAhead: max(1, lookAhead))
    }
}

/// What becomes of the messages of a sequence: see ``Producer/results(of:lookAhead:)``.
public struct ProduceResults<Messages: AsyncSequence & Sendable>: AsyncSequence, Sendable
where Messages.Element == ProduceMessage {
    /// A message's result, or the error it failed with.
    public typealias Element = Result<ProduceResult, any Error>

    let producer: Producer
    let messages: Messages
    let lookAhead: Int

    /// Starts to send with the first call of its `next()`.
    public func makeAsyncIterator() -> Iterator {
        Iterator(self)
    }

    /// Sends, and gives the results in order.
    public struct Iterator: AsyncIteratorProtocol {
        private let results: ProduceResults
        private var sender: Sender?

        init(_ results: ProduceResults) {
            self.results = results
        }

        /// The result of the next message; `nil` when all were sent and told.
        ///
        /// - Throws: the error of the sequence of messages; what ``Producer/produceAsync(_:deadline:)`` throws
        ///   when the producer is closed; `CancellationError`.
        public mutating func next() async throws -> Element? {
            let sender = self.sender ?? Sender(results)
            self.sender = sender
            guard let future = try await sender.handover.next() else { return nil }
            do {
                return .success(try await future.value)
            } catch is CancellationError where Task.isCancelled {
                throw CancellationError()
            } catch {
                return .failure(error)
            }
        }
    }

    /// Sends on a task of its own, until nobody reads any more.
    private final class Sender: Sendable {
        let handover: BoundedHandover<ProduceFuture>
        private let task: Task<Void, Never>

        init(_ results: ProduceResults) {
            let handover = BoundedHandover<ProduceFuture>(limit: results.lookAhead)
            self.handover = handover
            task = Task {
                do {
                    for try await message in results.messages {
                        try await handover.makeRoom()
                        handover.put(try await results.producer.produceAsync(message))
                    }
                    handover.finish(nil)
                } catch {
                    handover.finish(error)
                }
            }
        }

        deinit {
            task.cancel()
        }
    }
}
