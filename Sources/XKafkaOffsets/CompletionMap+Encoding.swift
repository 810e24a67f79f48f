// The text form, made for Kafka's commit metadata: a UTF-8 string in which binary bytes do not
// survive, and of which brokers take 4,096 characters unless configured otherwise.
//
//     xk1r<base64url>   runs: pairs of numbers, the offsets to skip and the offsets that are done
//     xk1b<base64url>   bitmap: a bit for each offset from the frontier on, lowest bit first
//
// Numbers are unsigned LEB128; base64url (RFC 4648, section 5) is without padding. Whichever is shorter
// is taken. When neither fits, the one that tells more in the space there is. "xk" names this library,
// and 1 the version of the format: what a reader does not know it ignores.
extension CompletionMap {
    /// What every text starts with.
    private static let prefix = "xk1"

    /// The most characters of commit metadata a broker takes by default (`offset.metadata.max.bytes`).
    package static let defaultLimit = 4_096

    /// The text of the map, or of as much of its beginning as fits into `limit` characters. Empty when
    /// nothing is beyond the frontier.
    ///
    /// `covered` is how many of the offsets in the map the text tells of.
    package func encoded(limit: Int = CompletionMap.defaultLimit) -> (text: String, covered: Int64) {
        // Four characters of base64 carry three bytes.
        let byteLimit = max(0, limit - Self.prefix.count - 1) * 3 / 4
        guard let last = ranges.last, byteLimit > 0 else { return ("", 0) }
        let runs = encodedRuns(byteLimit)
        // A bitmap that is sure to be longer is not made: its length is known before.
        let bitmapSize = (last.upperBound - frontier - 1) / 8 + 1
        let isRunsComplete = runs.covered == count
        if isRunsComplete, bitmapSize >= Int64(runs.bytes.count) { return (text("r", runs.bytes), runs.covered) }
        let bitmap = encodedBitmap(byteLimit)
        let takesBitmap =
            bitmap.covered == runs.covered ? bitmap.bytes.count < runs.bytes.count : bitmap.covered > runs.covered
        let best = takesBitmap ? bitmap : runs
        guard best.covered > 0 else { return ("", 0) }
        return (text(takesBitmap ? "b" : "r", best.bytes), best.covered)
    }

    /// Reads the metadata of a commit at `frontier`. `nil` when it is not a text of this library, or a
    /// damaged one.
    package init?(metadata: String, frontier: Int64) {
        guard metadata.hasPrefix(Self.prefix), frontier >= 0 else { return nil }
        let body = metadata.dropFirst(Self.prefix.count)
        guard let kind = body.first, let bytes = Base64URL.decode(body.dropFirst().utf8) else { return nil }
        let ranges: [Range<Int64>]?
        switch kind {
        case "r": ranges = Self.decodeRuns(bytes, from: frontier)
        case "b": ranges = Self.decodeBitmap(bytes, from: frontier)
        default: return nil
        }
        guard let ranges else { return nil }
        self.init(frontier: frontier, ranges: ranges)
    }

    private func text(_ kind: Character, _ bytes: [UInt8]) -> String {
        Self.prefix + String(kind) + Base64URL.encode(bytes)
    }

    // MARK: Runs

    private func encodedRuns(_ byteLimit: Int) -> (bytes: [UInt8], covered: Int64) {
        var bytes: [UInt8] = []
        var covered: Int64 = 0
        var position = frontier
        for range in ranges {
            let before = bytes.count
            LEB128.append(UInt64(range.lowerBound - position), to: &bytes)
            LEB128.append(UInt64(range.upperBound - range.lowerBound), to: &bytes)
            if bytes.count > byteLimit {
                bytes.removeLast(bytes.count - before)
                break
            }
            #if SimulatedDefects
                if SimulatedDefect.mapTellsOneTooMany.isOn { bytes[bytes.count - 1] += 1 }
            #endif
            covered += Int64(range.count)
            position = range.upperBound
        }
        return (bytes, covered)
    }

    private static func decodeRuns(_ bytes: [UInt8], from frontier: Int64) -> [Range<Int64>]? {
        var ranges: [Range<Int64>] = []
        var rest = bytes[...]
        var position = frontier
        while !rest.isEmpty {
            guard
                let skip = LEB128.read(&rest).flatMap({ Int64(exactly: $0) }),
                let length = LEB128.read(&rest).flatMap({ Int64(exactly: $0) }), length > 0
            else { return nil }
            let (start, startOverflow) = position.addingReportingOverflow(skip)
            let (end, endOverflow) = start.addingReportingOverflow(length)
            guard !startOverflow, !endOverflow else { return nil }
            ranges.append(start..<end)
            position = end
        }
        return ranges
    }

    // MARK: Bitmap

    private func encodedBitmap(_ byteLimit: Int) -> (bytes: [UInt8], covered: Int64) {
        let bitLimit = Int64(byteLimit) * 8
        var bytes: [UInt8] = []
        var covered: Int64 = 0
        for range in ranges {
            let start = range.lowerBound - frontier
            let end = min(range.upperBound - frontier, bitLimit)
            guard start < end else { break }
            for bit in start..<end {
                let index = Int(bit / 8)
                while bytes.count <= index { bytes.append(0) }
                bytes[index] |= 1 << UInt8(bit % 8)
            }
            covered += end - start
        }
        return (bytes, covered)
    }

    private static func decodeBitmap(_ bytes: [UInt8], from frontier: Int64) -> [Range<Int64>]? {
        guard frontier <= Int64.max - Int64(bytes.count) * 8 - 1 else { return nil }
        var ranges: [Range<Int64>] = []
        var start: Int64?
        for bit in 0...Int64(bytes.count) * 8 {
            let isSet = bit < Int64(bytes.count) * 8 && bytes[Int(bit / 8)] & (1 << UInt8(bit % 8)) != 0
            switch (isSet, start) {
            case (true, nil): start = frontier + bit
            case (false, let first?):
                ranges.append(first..<frontier + bit)
                start = nil
            default: break
            }
        }
        return ranges
    }
}

/// Unsigned numbers in as few bytes as they need: seven bits in each, the lowest first.
private enum LEB128 {
    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    static func read(_ bytes: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 63, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}

/// Base64 with the alphabet for URLs and without padding (RFC 4648, section 5).
private enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private static let values: [UInt8: UInt32] = Dictionary(
        uniqueKeysWithValues: alphabet.enumerated().map { ($0.element, UInt32($0.offset)) }
    )

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 4 + 2) / 3)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for byte in group { bits = bits << 8 | UInt32(byte) }
            bits <<= UInt32(3 - group.count) * 8
            for index in 0...group.count {
                text.append(alphabet[Int(bits >> UInt32(18 - 6 * index)) & 0x3f])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var bits: UInt32 = 0
        var count = 0
        for character in text {
            guard let value = values[character] else { return nil }
            bits = bits << 6 | value
            count += 1
            if count == 4 {
                bytes += [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8)]
                bytes.append(UInt8(truncatingIfNeeded: bits))
                bits = 0
                count = 0
            }
        }
        if count == 2 { bytes.append(UInt8(truncatingIfNeeded: bits >> 4)) }
        if count == 3 {
            bytes += [UInt8(truncatingIfNeeded: bits >> 10), UInt8(truncatingIfNeeded: bits >> 2)]
        }
        return bytes
    }
}
