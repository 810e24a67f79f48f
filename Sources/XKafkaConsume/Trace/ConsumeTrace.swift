public import Tracing
import XKafkaCore

/// Makes a span for each attempt at a message, in the trace that the message's headers name. Put it first among a
/// consumer's `handlers`.
///
/// ```swift
/// config.handlers = [ConsumeTrace()]
/// ```
///
/// What comes after runs with the span's context in `ServiceContext.current`: spans that a handler starts, and
/// messages that it produces through a producer with a `ProduceTrace`, belong to the same trace.
///
/// The span is called `xkafka.consume` and the topic, its kind is `consumer`, and it has these attributes:
///
/// | attribute | value |
/// |---|---|
/// | `messaging.system` | `kafka` |
/// | `messaging.operation.name`, `messaging.operation.type` | `process` |
/// | `messaging.destination.name` | the topic, or `_unknown` if it has no name |
/// | `messaging.destination.partition.id` | the partition, as a text |
/// | `messaging.kafka.offset` | the offset |
/// | `messaging.kafka.message.key` | the key, if it is UTF-8 of 256 bytes at most |
/// | `messaging.kafka.message.tombstone` | `true`, if there is no value |
/// | `messaging.consumer.group.name` | the group, in a group |
/// | `messaging.client.id` | the consumer's `clientID` |
/// | `error.type` | Kafka's name of the error, or its Swift type, after a failure |
/// | `messaging.kafka.partition`, `messaging.kafka.message.offset` | as xkafka has them |
/// | `xkafka.logical_key`, `xkafka.shard`, `xkafka.attempt` | of the ``ConsumeContext`` |
///
/// An attempt that fails records its error, and the span's status is the error's text.
public struct ConsumeTrace: ConsumeHandler {
    /// How the span of an attempt relates to the one that sent the message.
    public struct Relation: Sendable, Hashable, CustomStringConvertible {
        /// The name of the relation.
        public let description: String

        /// It is its child: one trace from the producer to the handler.
        public static let child = Relation(description: "child")
        /// It has a link to it, and belongs to the trace of whoever called `consume`, or to one of its own. For
        /// topics in which messages lie for long, or whose readers are others' business.
        public static let link = Relation(description: "link")
    }

    private let tracer: (any Tracer)?
    private let propagator: (any Instrument)?
    private let relation: Relation
    /// Whose handler it is; told by the consumer.
    fileprivate var group: String?
    fileprivate var clientID: String?

    /// A handler that makes spans.
    ///
    /// - Parameters:
    ///   - tracer: makes them. Default `nil`: that of the `InstrumentationSystem`, at each message.
    ///   - propagator: reads the headers. Default `nil`: `tracer`, or without one the `InstrumentationSystem`'s
    ///     instrument.
    ///   - relation: how they relate to the span that sent the message. Default ``Relation/child``.
    public init(
        tracer: (any Tracer)? = nil,
        propagator: (any Instrument)? = nil,
        relation: Relation = .child
    ) {
        self.tracer = tracer
        self.propagator = propagator ?? tracer
        self.relation = relation
    }

    /// Calls `next` in a span, and throws what it throws.
    public func handle(_ message: ConsumeContext, next: ConsumeFunction) async throws {
        let span = startSpan(message, tracer ?? InstrumentationSystem.tracer)
        defer { span.end() }
        do {
            try await ServiceContext.$current.withValue(span.context) { try await next(message) }
            span.setStatus(SpanStatus(code: .ok))
        } catch {
            span.fail(error)
            throw error
        }
    }

    /// A link to the span that sent a message, for a span about several messages; `nil` when its headers name none.
    ///
    /// ```swift
    /// try await withSpan("store batch", ofKind: .consumer) { span in
    ///     for message in batch { trace.link(to: message).map { span.addLink($0) } }
    ///     try await store(batch)
    /// }
    /// ```
    public func link(to message: ConsumeContext) -> SpanLink? {
        let context = extract(message, on: .topLevel)
        return context.isEmpty ? nil : SpanLink(context: context, attributes: [:])
    }

    private func startSpan(_ message: ConsumeContext, _ tracer: any Tracer) -> any Span {
        let topic = message.topic.isEmpty ? SpanAttributes.unknownTopic : message.topic
        let outer = ServiceContext.current ?? .topLevel
        let span = tracer.startSpan(
            "xkafka.consume \(topic)",
            context: relation == .child ? extract(message, on: outer) : outer,
            ofKind: .consumer
        )
        if relation == .link, let link = link(to: message) { span.addLink(link) }
        guard span.isRecording else { return span }
        span.updateAttributes { attributes in
            attributes.setMessaging(operation: "process", type: "process", topic: topic, clientID: clientID)
            attributes.setMessage(key: message.key, value: message.value)
            attributes.setPlace(partition: message.partition, offset: message.offset)
            attributes["messaging.consumer.group.name"] = group
            attributes.setText("xkafka.logical_key", message.logicalKey)
            attributes["xkafka.shard"] = Int64(message.shard)
            attributes["xkafka.attempt"] = Int64(message.attempt)
        }
        return span
    }

    private func extract(_ message: ConsumeContext, on context: ServiceContext) -> ServiceContext {
        var context = context
        let instrument = propagator ?? InstrumentationSystem.instrument
        instrument.extract(message.headers, into: &context, using: HeaderPropagation())
        return context
    }
}

extension [any ConsumeHandler] {
    /// The same handlers, with those told whose they are that say so in their spans.
    package func named(group: String?, clientID: String) -> Self {
        map { handler in
            guard var trace = handler as? ConsumeTrace else { return handler }
            trace.group = group
            trace.clientID = clientID
            return trace
        }
    }
}
