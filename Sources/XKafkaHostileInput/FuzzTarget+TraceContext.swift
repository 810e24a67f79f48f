import XKafkaTesting
import XKafkaTestingInternal

extension FuzzTarget {
    /// The W3C's two headers, in a line each.
    static let traceContext = FuzzTarget(name: "trace-context") { bytes in
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
        let parent = String(decoding: lines[0], as: UTF8.self)
        let state = lines.count == 2 ? String(decoding: lines[1], as: UTF8.self) : nil
        guard let place = W3CTraceContext(traceparent: parent, tracestate: state) else { return }
        try promise(place.traceID.utf8.count == 32 && place.spanID.utf8.count == 16, "lengths of \(place)")
        try promise(place.state == nil || place.state == state, "a state is kept as it is, or left out")
        try promise((place.state?.utf8.count ?? 0) <= 512, "a state is limited")
        let again = W3CTraceContext(traceparent: place.traceparent, tracestate: place.state)
        try promise(again == place, "what is written is read: \(place.traceparent)")
    } example: { random in
        func digits(_ count: Int, _ random: inout SeededGenerator) -> String {
            String((0..<count).map { _ in "0123456789abcdef".randomElement(using: &random) ?? "1" })
        }
        let version = ["00", "cc"].randomElement(using: &random) ?? "00"
        let tail = version == "cc" && Bool.random(using: &random) ? "-later" : ""
        let parent = "\(version)-\(digits(32, &random))-\(digits(16, &random))-\(digits(2, &random))\(tail)"
        let states = ["", "congo=t61rcWkgMzE", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", "a@b=c, d=e,\t,f=g"]
        return Array("\(parent)\n\(states.randomElement(using: &random) ?? "")".utf8)
    }
}
