public import Tracing
import XKafkaCore

/// Makes a span for each attempt at a message, and tells whoever reads the message about it, in headers. Put it last
/// among a producer's `handlers`, so that what others do to headers does not matter.
///
/// ```swift
/// config.handlers = [ProduceTrace()]
/// ```
///
/// The span is a child of the one that the message was produced in: `ServiceContext.current` of the caller, for
/// `produceAsync` too. Headers that an earlier attempt, or an earlier trace, left are replaced. The caller's
/// own message is not touched.
///
/// The span is called `xkafka.produce` and the topic, its kind is `producer`, it ends when the message is
/// acknowledged, and it has these attributes:
///
/// | attribute | value |
/// |---|---|
/// | `messaging.system` | `kafka` |
/// | `messaging.operation.name`, `messaging.operation.type` | `send` |
/// | `messaging.destination.name` | the topic, or `_unknown` if it has no name |
/// | `messaging.kafka.message.key` | the key, if it is UTF-8 of 256 bytes at most |
/// | `messaging.kafka.message.tombstone` | `true`, if there is no value |
/// | `messaging.client.id` | the producer's `clientID` |
/// | `messaging.destination.partition.id`, `messaging.kafka.offset` | where the message went, once it is known |
/// | `error.type` | Kafka's name of the error, or its Swift type, after a failure |
/// | `messaging.kafka.partition`, `messaging.kafka.message.offset` | as xkafka has them |
/// | `xkafka.dispatch_key`, `xkafka.worker`, `xkafka.attempt` | of the ``ProduceContext`` |
///
/// An attempt that fails records its error, and the span's status is the error's text.
public struct ProduceTrace: ProduceHandler {
    private let tracer: (any Tracer)?
    private let propagator: (any Instrument)?
    /// Whose handler it is; told by the producer.
    fileprivate var clientID: String?

    /// A handler that makes spans.
    ///
    /// - Parameters:
    ///   - tracer: makes them. Default `nil`: that of the `InstrumentationSystem`, at each message.
    ///   - propagator: writes the headers. Default `nil`: `tracer`, or without one the `InstrumentationSystem`'s
    ///     instrument.
    public init(tracer: (any Tracer)? = nil, propagator: (any Instrument)? = nil) {
        self.tracer = tracer
        self.propagator = propagator ?? tracer
    }

    /// Calls `next` in a span, with a message that names it, and throws what it throws.
    public func handle(_ message: ProduceContext, next: ProduceFunction) async throws -> ProduceResult {
        let span = startSpan(message, tracer ?? InstrumentationSystem.tracer)
        defer { span.end() }
        // Messages are values: the caller's, and the one that the next attempt begins with, stay as they are.
        var message = message
        HeaderPropagation().inject(
            span.context,
            into: &message.message.headers,
            by: propagator ?? InstrumentationSystem.instrument
        )
        do {
            let result = try await ServiceContext.$current.withValue(span.context) { [message] in
                try await next(message)
            }
            span.updateAttributes { $0.setPlace(partition: result.partition, offset: result.offset) }
            span.setStatus(SpanStatus(code: .ok))
            return result
        } catch {
            span.fail(error)
            throw error
        }
    }

    private func startSpan(_ message: ProduceContext, _ tracer: any Tracer) -> any Span {
        let topic = message.topic.isEmpty ? SpanAttributes.unknownTopic : message.topic
        let span = tracer.startSpan("xkafka.produce \(topic)", ofKind: .producer)
        guard span.isRecording else { return span }
        span.updateAttributes { attributes in
            attributes.setMessaging(operation: "send", type: "send", topic: topic, clientID: clientID)
            attributes.setMessage(key: message.message.key, value: message.message.value)
            attributes.setText("xkafka.dispatch_key", message.dispatchKey)
            attributes["xkafka.worker"] = Int64(message.worker)
            attributes["xkafka.attempt"] = Int64(message.attempt)
        }
        return span
    }
}

extension [any ProduceHandler] {
    /// The same handlers, with those told whose they are that say so in their spans.
    package func named(clientID: String) -> Self {
        map { handler in
            guard var trace = handler as? ProduceTrace else { return handler }
            trace.clientID = clientID
            return trace
        }
    }
}
