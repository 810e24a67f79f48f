import Testing
import Tracing
import XKafkaCore
import XKafkaTestingInternal

@Suite struct HeaderPropagationTests {
    private let propagation = HeaderPropagation()

    @Test func namesAreReadInAnyCase() {
        let headers: MessageHeaders = ["other": "1", "TraceParent": "first", "traceparent": "second", "null": nil]
        #expect(propagation.extract(key: "traceparent", from: headers) == "first")
        #expect(propagation.extract(key: "OTHER", from: headers) == "1")
        #expect(propagation.extract(key: "null", from: headers) == nil)
        #expect(propagation.extract(key: "tracepar", from: headers) == nil)
        #expect(propagation.extract(key: "", from: headers) == nil)
    }

    @Test func bytesThatAreNoTextAreReadAllTheSame() {
        var headers: MessageHeaders = ["traceparent": [0xff, 0x00, 0xfe]]
        headers.append(MessageHeader(nameBytes: [0xff, 0xfe], value: "x"))
        #expect(propagation.extract(key: "traceparent", from: headers) == "\u{fffd}\0\u{fffd}")
        // Only ASCII letters have a case here: `k` is not the Kelvin sign.
        #expect(propagation.extract(key: "\u{212a}", from: ["k": "x"]) == nil)
        #expect(propagation.extract(key: "@", from: ["`": "x"]) == nil)
    }

    @Test func writingReplaces() {
        var headers: MessageHeaders = ["a": "1", "TraceParent": "old", "b": "2", "traceparent": "older"]
        propagation.inject("new", forKey: "traceparent", into: &headers)
        #expect(headers == ["a": "1", "traceparent": "new", "b": "2"])
        propagation.inject("x", forKey: "baggage", into: &headers)
        #expect(headers.last == MessageHeader(name: "baggage", value: "x"))
    }

    /// A state without a parent of its own would be taken for that of the new parent.
    @Test func stateOfAnotherTraceGoesWithIt() {
        var headers: MessageHeaders = ["TraceState": "old=1", "traceparent": "old", "x": "1"]
        propagation.inject(.topLevel, into: &headers, by: Writer(values: ["traceparent": "new"]))
        #expect(headers == ["traceparent": "new", "x": "1"])

        headers = ["tracestate": "old=1", "traceparent": "old"]
        propagation.inject(.topLevel, into: &headers, by: Writer(values: ["traceparent": "new", "tracestate": "a=1"]))
        #expect(headers == ["tracestate": "a=1", "traceparent": "new"])

        headers = ["tracestate": "old=1", "traceparent": "old"]
        propagation.inject(.topLevel, into: &headers, by: Writer(values: ["baggage": "1"]))
        #expect(headers == ["tracestate": "old=1", "traceparent": "old", "baggage": "1"], "of no trace, left alone")
    }
}

/// Writes what it is told to.
private struct Writer: Instrument {
    let values: KeyValuePairs<String, String>

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        for (key, value) in values { injector.inject(value, forKey: key, into: &carrier) }
    }
}
