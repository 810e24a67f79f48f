import Testing
import Tracing
import XKafkaTesting
import XKafkaTestingInternal

@Suite struct W3CTraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test func readsWhatItWrites() throws {
        let text = "00-\(Self.trace)-\(Self.span)-01"
        let context = try #require(W3CTraceContext(traceparent: text, tracestate: "congo=t61rcWkgMzE,rojo=00f"))
        #expect(context.traceID == Self.trace)
        #expect(context.spanID == Self.span)
        #expect(context.isSampled)
        #expect(context.state == "congo=t61rcWkgMzE,rojo=00f")
        #expect(context.traceparent == text)
        #expect(W3CTraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-00")?.isSampled == false)
        #expect(W3CTraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-ff")?.traceparent == text, "unknown flags")
    }

    @Test func laterVersionsMayBeLonger() {
        #expect(W3CTraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01") != nil)
        #expect(W3CTraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01-what-the-future") != nil)
        #expect(W3CTraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01.what-the-future") == nil)
    }

    @Test(arguments: [
        "", "-", "00", String(repeating: "-", count: 55), String(repeating: "0", count: 55),
        "00-\(trace)-\(span)", "00-\(trace)-\(span)-", "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-01 ",
        " 00-\(trace)-\(span)-01", "00-\(trace)-\(span)-01-x", "ff-\(trace)-\(span)-01", "0g-\(trace)-\(span)-01",
        "00-\(trace.uppercased())-\(span)-01", "00-\(trace)-\(span.uppercased())-01",
        "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
        "00-\(trace)-\(span)-0g", "00_\(trace)-\(span)-01", "00-\(trace)_\(span)-01", "00-\(trace)-\(span)_01",
        "00-\(trace.dropLast(2))\u{e9}-\(span)-01", "00-\(trace.dropLast())\u{1F600}-\(span)-01", "\0\0\0",
        "cc-\(trace)-\(span)-01-" + String(repeating: "x", count: 1_000_000),
    ])
    func refuses(text: String) {
        #expect(W3CTraceContext(traceparent: text) == nil)
    }

    /// Whatever bytes come, reading them ends in a value or in none.
    @Test(arguments: 0..<20 as Range<UInt64>)
    func anythingIsReadWithoutATrap(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let good = Array("00-\(Self.trace)-\(Self.span)-01".utf8)
        for _ in 0..<500 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                switch Int.random(in: 0..<3, using: &random) {
                case 0 where !bytes.isEmpty: bytes.remove(at: Int.random(in: bytes.indices, using: &random))
                case 1:
                    let place = Int.random(in: 0...bytes.count, using: &random)
                    bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                default:
                    guard !bytes.isEmpty else { continue }
                    bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let context = W3CTraceContext(traceparent: text, tracestate: text) else { continue }
            #expect(W3CTraceContext(traceparent: context.traceparent) != nil)
        }
    }

    @Test(arguments: [
        "", ",", "x", "=1", "a=", "a=1,a=2", "A=1", "a b=1", "a=b=c", "\u{e9}=1", "a=\u{e9}", "a=1\n",
        "a=" + String(repeating: "x", count: 257), (1...33).map { "k\($0)=1" }.joined(separator: ","),
        (1...32).map { "k\($0)=" + String(repeating: "x", count: 20) }.joined(separator: ","),
    ])
    func badStatesAreLeftOut(state: String) {
        let context = W3CTraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-01", tracestate: state)
        #expect(context != nil)
        #expect(context?.state == nil)
    }

    @Test(arguments: ["a=1", "a=1 ,b=2", "a=1, b=2,,", "fw529a3039@dt=FfD,0a-b_c/d*e= x"])
    func goodStatesAreKept(state: String) {
        let context = W3CTraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-01", tracestate: state)
        #expect(context?.state == state)
    }
}

@Suite struct W3CTracerTests {
    @Test func spansOfOneTrace() throws {
        let spans = Collector<W3CTracer.FinishedSpan>()
        let tracer = W3CTracer { spans.add($0) }
        tracer.withSpan("outer", ofKind: .server) { outer in
            outer.attributes["a"] = "1"
            outer.operationName = "renamed"
            tracer.withSpan("inner") { inner in
                inner.end()
                inner.operationName = "too late"
            }
        }
        let (inner, outer) = (spans.values[0], spans.values[1])
        #expect(spans.values.count == 2, "ended twice, told once")
        #expect(inner.name == "inner")
        #expect(outer.name == "renamed")
        #expect(outer.kind == .server)
        #expect(outer.parentID == nil)
        #expect(inner.parentID == outer.place.spanID)
        #expect(inner.place.traceID == outer.place.traceID)
        #expect(W3CTraceContext(traceparent: outer.place.traceparent)?.traceID == outer.place.traceID)
        #expect(outer.end >= outer.start)
    }
}
