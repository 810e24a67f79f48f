import Tracing
import XKafkaConsume
import XKafkaCore
import XKafkaTesting
import XKafkaTestingInternal

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension FuzzTarget {
    /// The headers of a message, as any producer may have set them, on their way through trace context, dead letters,
    /// and what reads those.
    ///
    /// For each header the length of its name, the length of its value, where 255 is a missing one, name and value.
    static let headers = FuzzTarget(name: "headers") { bytes in
        let headers = parsed(bytes)
        let propagation = HeaderPropagation()
        for key in ["traceparent", "tracestate", "baggage", ""] { _ = propagation.extract(key: key, from: headers) }
        var context = ServiceContext.topLevel
        let tracer = W3CTracer { _ in }
        tracer.extract(headers, into: &context, using: propagation)

        var sent = headers
        propagation.inject(
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            forKey: "traceparent",
            into: &sent
        )
        let parents = sent.filter { $0.name.lowercased() == "traceparent" && $0.nameBytes.count == 11 }
        try promise(parents.count == 1, "one traceparent")
        try promise(sent.count <= headers.count + 1, "nothing else is added")

        let message = ConsumeContext(topic: "orders", partition: 1, offset: 7, key: "k", headers: headers)
        _ = ReceivedDeadLetter(message)
        let now = Date(timeIntervalSince1970: 0)
        let letter = DeadLetter(message, error: BrokenPromise("x"), firstFailedAt: now, failedAt: now, group: "g")
        let letters = letter.headers
        let dead = ReceivedDeadLetter(ConsumeContext(topic: "dlq", headers: letters))
        try promise(dead?.source.offset == 7 && dead?.group == "g", "the letter's own headers replace earlier ones")
        // A letter that fails as well does not grow.
        let second = DeadLetter(
            ConsumeContext(topic: "orders", partition: 1, offset: 7, headers: letters),
            error: BrokenPromise("x"),
            firstFailedAt: now,
            failedAt: now,
            group: "g"
        )
        try promise(second.headers.count == letters.count, "\(second.headers.count) headers after \(letters.count)")
    } example: { random in
        var headers: [(name: [UInt8], value: [UInt8]?)] = []
        for _ in 0..<Int.random(in: 0...5, using: &random) {
            let name =
                ["traceparent", "Traceparent", "tracestate", "x-source-topic", "x-source-offset", "x-error", "", "ä"]
                .randomElement(using: &random) ?? ""
            let values: [[UInt8]?] = [
                nil, [], Array("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".utf8), Array("17".utf8),
                Array("congo=t61,rojo=00f".utf8), [0xff, 0x00],
            ]
            headers.append((Array(name.utf8), values.randomElement(using: &random) ?? nil))
        }
        return headers.flatMap { header in
            [UInt8(header.name.count), UInt8(header.value?.count ?? 255)] + header.name + (header.value ?? [])
        }
    }

    private static func parsed(_ bytes: [UInt8]) -> MessageHeaders {
        var headers = MessageHeaders()
        var rest = bytes[...]
        while let nameLength = rest.popFirst(), let valueLength = rest.popFirst() {
            let name = MessageBytes(rest.prefix(Int(nameLength)))
            rest = rest.dropFirst(name.count)
            let value = valueLength == 255 ? nil : MessageBytes(rest.prefix(Int(valueLength)))
            rest = rest.dropFirst(value?.count ?? 0)
            headers.append(MessageHeader(nameBytes: name, value: value))
        }
        return headers
    }
}
