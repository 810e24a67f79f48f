package import XKafkaTestingInternal

/// Changes bytes as a bad disk, a bad network or somebody with bad intentions does.
package enum Mutation {
    /// Bytes with one to four changes: bits, bytes, pieces cut out, doubled, inserted, or the end missing.
    package static func mutated(_ bytes: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&bytes, &random) }
        return bytes
    }

    private static func change(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else {
            bytes.append(UInt8.random(in: 0...255, using: &random))
            return
        }
        let place = Int.random(in: bytes.indices, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeLast(bytes.count - place)
        case 3:
            let count = Int.random(in: 1...8, using: &random)
            bytes.insert(contentsOf: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }, at: place)
        case 4: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...8, using: &random)))
        case 5:
            let piece = bytes[place..<min(bytes.count, place + Int.random(in: 1...16, using: &random))]
            bytes.insert(contentsOf: piece, at: Int.random(in: 0...bytes.count, using: &random))
        default:
            // What numbers and lengths are made of.
            let piece: [UInt8] =
                [
                    Array("99999999999999999999".utf8), Array("-1".utf8), Array(repeating: 0xff, count: 9),
                    Array("______".utf8), [0], Array("9223372036854775807".utf8),
                ].randomElement(using: &random) ?? []
            bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
        }
    }
}
