import Synchronization
public import Tracing

/// A small tracer that needs no backend: for tests, and for looking at traces on a terminal.
///
/// It propagates the W3C's `traceparent` and `tracestate`, as the tracers of OpenTelemetry do, and hands each span
/// to a closure when it has ended. It keeps nothing and samples everything.
///
/// ```swift
/// let tracer = W3CTracer { span in print(span.name, span.place.traceID) }
/// config.handlers = [ConsumeTrace(tracer: tracer)]
/// ```
public struct W3CTracer: Tracer {
    private let onEnd: @Sendable (FinishedSpan) -> Void

    /// A span that has ended.
    public struct FinishedSpan: Sendable {
        /// Its name.
        public internal(set) var name: String
        /// Its trace, and its own identifier in it.
        public let place: W3CTraceContext
        /// The identifier of the span that it is part of; `nil` for the first of a trace.
        public let parentID: String?
        /// What kind it is.
        public let kind: SpanKind
        /// What is said about it.
        public internal(set) var attributes: SpanAttributes = [:]
        /// What happened in it.
        public internal(set) var events: [SpanEvent] = []
        /// The spans it has to do with.
        public internal(set) var links: [SpanLink] = []
        /// The errors that were recorded.
        public internal(set) var errors: [any Error] = []
        /// How it went.
        public internal(set) var status: SpanStatus?
        /// When it began, in nanoseconds since 1970-01-01 00:00 UTC.
        public let start: UInt64
        /// When it ended, in the same unit.
        public internal(set) var end: UInt64
    }

    /// A tracer.
    ///
    /// - Parameter onEnd: called once with each span that has ended, on the task that ended it.
    public init(onEnd: @escaping @Sendable (FinishedSpan) -> Void) {
        self.onEnd = onEnd
    }

    /// Begins a span, in the trace of `context` or in one of its own.
    public func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> W3CSpan {
        var context = context()
        let parent = context.w3c
        let place = W3CTraceContext(childOf: parent)
        context.w3c = place
        let start = instant().nanosecondsSinceEpoch
        let span = FinishedSpan(
            name: operationName,
            place: place,
            parentID: parent?.spanID,
            kind: kind,
            start: start,
            end: start
        )
        return W3CSpan(span, context: context, onEnd: onEnd)
    }

    /// Does nothing: nothing is kept.
    public func forceFlush() {}

    /// Reads `traceparent` and `tracestate`; what the W3C's text says to ignore is ignored.
    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let parent = extractor.extract(key: "traceparent", from: carrier) else { return }
        let state = extractor.extract(key: "tracestate", from: carrier)
        if let place = W3CTraceContext(traceparent: parent, tracestate: state) { context.w3c = place }
    }

    /// Writes `traceparent`, and `tracestate` if there is one.
    public func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let place = context.w3c else { return }
        injector.inject(place.traceparent, forKey: "traceparent", into: &carrier)
        if let state = place.state { injector.inject(state, forKey: "tracestate", into: &carrier) }
    }
}

/// A span of a ``W3CTracer``.
public final class W3CSpan: Span {
    /// What its children are begun with.
    public let context: ServiceContext

    private let state: Mutex<W3CTracer.FinishedSpan?>
    private let onEnd: @Sendable (W3CTracer.FinishedSpan) -> Void

    init(
        _ span: W3CTracer.FinishedSpan,
        context: ServiceContext,
        onEnd: @escaping @Sendable (W3CTracer.FinishedSpan) -> Void
    ) {
        self.context = context
        self.onEnd = onEnd
        state = Mutex(span)
    }

    /// Whether it has not ended.
    public var isRecording: Bool { state.withLock { $0 != nil } }

    /// Its name; empty when it has ended.
    public var operationName: String {
        get { state.withLock { $0?.name ?? "" } }
        set { state.withLock { $0?.name = newValue } }
    }

    /// What is said about it.
    public var attributes: SpanAttributes {
        get { state.withLock { $0?.attributes ?? [:] } }
        set { state.withLock { $0?.attributes = newValue } }
    }

    /// Says how it went.
    public func setStatus(_ status: SpanStatus) {
        state.withLock { $0?.status = status }
    }

    /// Notes something that happened.
    public func addEvent(_ event: SpanEvent) {
        state.withLock { $0?.events.append(event) }
    }

    /// Notes an error.
    public func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        state.withLock { $0?.errors.append(error) }
    }

    /// Notes a span it has to do with.
    public func addLink(_ link: SpanLink) {
        state.withLock { $0?.links.append(link) }
    }

    /// Ends it; only the first time counts.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let end = instant().nanosecondsSinceEpoch
        let finished = state.withLock { state in
            defer { state = nil }
            return state
        }
        guard var finished else { return }
        finished.end = end
        onEnd(finished)
    }
}
