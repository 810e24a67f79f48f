public import Tracing

/// Reads and writes what a tracing backend propagates, such as `traceparent`, as headers of a message.
///
/// The trace handlers use it by themselves. It is public for code of yours that starts spans for messages in
/// another way:
///
/// ```swift
/// var context = ServiceContext.topLevel
/// InstrumentationSystem.instrument.extract(message.headers, into: &context, using: HeaderPropagation())
/// ```
///
/// Names are compared without regard to the case of ASCII letters, since other libraries write `Traceparent`.
public struct HeaderPropagation: Extractor, Injector {
    /// Reads from and writes to `MessageHeaders`.
    public init() {}

    /// The text of the first header called `key`; `nil` when there is none, or its value is null.
    public func extract(key: String, from headers: MessageHeaders) -> String? {
        headers.first { $0.isNamed(key) }?.value.map { String($0) }
    }

    /// Gives the first header called `key` this value, and this spelling of the name, and removes others of that
    /// name; appends one if there is none.
    public func inject(_ value: String, forKey key: String, into headers: inout MessageHeaders) {
        let header = MessageHeader(name: key, value: MessageBytes(value))
        guard let first = headers.firstIndex(where: { $0.isNamed(key) }) else {
            headers.append(header)
            return
        }
        headers[first] = header
        // A second `traceparent` is an error of the format.
        headers.remove(named: key, after: first)
    }
}

extension HeaderPropagation {
    /// Writes what belongs to `context`, in place of what the headers said before.
    package func inject(
        _ context: ServiceContext,
        into headers: inout MessageHeaders,
        by instrument: any Instrument
    ) {
        var traced = Traced(headers: headers)
        instrument.inject(context, into: &traced, using: TracedInjector())
        headers = traced.headers
        // The two belong together: a state left over from another trace would be taken for this one's.
        if traced.hasParent, !traced.hasState { headers.remove(named: "tracestate", after: -1) }
    }

    /// Headers, and which halves of the W3C's pair were written.
    private struct Traced: Sendable {
        var headers: MessageHeaders
        var hasParent = false
        var hasState = false
    }

    private struct TracedInjector: Injector {
        func inject(_ value: String, forKey key: String, into traced: inout Traced) {
            switch key.lowercased() {
            case "traceparent": traced.hasParent = true
            case "tracestate": traced.hasState = true
            default: break
            }
            HeaderPropagation().inject(value, forKey: key, into: &traced.headers)
        }
    }
}

extension MessageHeader {
    fileprivate func isNamed(_ name: String) -> Bool {
        let name = name.utf8
        return nameBytes.count == name.count
            && zip(nameBytes, name).allSatisfy { $0.lowercasedASCII == $1.lowercasedASCII }
    }
}

extension MessageHeaders {
    fileprivate mutating func remove(named name: String, after index: Int) {
        let kept = enumerated().filter { $0.offset <= index || !$0.element.isNamed(name) }
        if kept.count < count { self = MessageHeaders(kept.map(\.element)) }
    }
}

extension UInt8 {
    fileprivate var lowercasedASCII: UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) ? self | 0x20 : self
    }
}
