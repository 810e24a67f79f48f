import XKafkaCore
import XKafkaProduce
import XKafkaTransport

/// How the messages of a batch come in: many of them together, as long as nothing has to be waited for.
extension ProducerRuntime {
    /// Whether room may be taken for several messages before the first is handled. Not with handlers, which may produce
    /// something themselves: they would wait for the room of those that come after them.
    var takesRoomTogether: Bool { config.handlers.isEmpty && config.topicHandlers.isEmpty }

    /// Takes messages of a batch over, in their order, up to the first that would have to wait or is refused, or to the
    /// batch's end. Room is taken for all of them together, and those that nothing is special about are sent together.
    ///
    /// - Parameter run: an empty one, with room for so many, which is emptied again.
    func submitAtOnce(
        _ messages: ArraySlice<ProduceMessage>,
        batch: BatchCountdown,
        to taken: inout [Result<Outgoing, any Error>],
        by run: inout PlainRun
    ) {
        // Lent where they are: a copy would count four references for each.
        messages.withUnsafeBufferPointer { messages in
            var count = messages.count
            var bytes = 0
            for message in messages { bytes += message.byteCount }
            guard gate.enterAtOnce(messages: count, bytes: bytes) else { return }
            let span = flush.begin(count)
            for message in messages {
                let size = message.byteCount
                guard !batch.hasEnded, let route = try? route(of: message),
                    let outgoing = try? takeAtOnce(message, route, size, span, batch: batch)
                else { break }
                taken.append(.success(outgoing))
                if outgoing.work == nil, message.isPlain {
                    if run.route !== route { send(&run, of: messages) }
                    run.append(message, at: messages.count - count, outgoing)
                } else {
                    // What came before it goes before it.
                    send(&run, of: messages)
                    start(outgoing, message)
                }
                count -= 1
                bytes -= size
            }
            send(&run, of: messages)
            if count > 0 { leave(count, bytes, span) }
        }
    }

    private func send(_ run: inout PlainRun, of messages: UnsafeBufferPointer<ProduceMessage>) {
        guard let route = run.route else { return }
        do {
            try route.withLink {
                try client()
            } _: { link in
                run.send(to: link) { index, outgoing, error in wasRefused(outgoing, messages[index], error) }
            }
        } catch {
            run.removeAll { index, outgoing in wasRefused(outgoing, messages[index], error) }
        }
    }
}

/// Messages of one topic, next to each other in a batch, that were started and are sent with one call.
struct PlainRun: ~Copyable {
    private var messages: MessageRun
    /// Where in the batch the first one is.
    private var start = 0
    /// Of which topic they are; `nil` when there are none.
    private(set) var route: ProduceRoute?

    init(capacity: Int) {
        messages = MessageRun(capacity: capacity)
    }

    /// Adds the message with this place in the batch, which has to be kept until the run was sent.
    mutating func append(_ message: ProduceMessage, at index: Int, _ outgoing: Outgoing) {
        if route == nil { (start, route) = (index, outgoing.route) }
        messages.append(key: message.key, value: message.value, target: outgoing)
    }

    /// Gives them to librdkafka, and tells which it did not take, by their places in the batch.
    mutating func send(to link: ProduceRoute.Link, refused: (Int, Outgoing, any Error) -> Void) {
        let start = start
        link.client.send(&messages, to: link.topic) { place, target, error in
            refused(start + place, unsafeDowncast(target, to: Outgoing.self), error)
        }
        route = nil
    }

    /// Lets go of them: they cannot be sent.
    mutating func removeAll(_ refused: (Int, Outgoing) -> Void) {
        let start = start
        messages.removeAll { place, target in refused(start + place, unsafeDowncast(target, to: Outgoing.self)) }
        route = nil
    }
}

extension ProduceMessage {
    /// Whether it can be sent together with others: see ``MessageRun``.
    fileprivate var isPlain: Bool { partition == nil && timestamp == nil && headers.isEmpty }
}
