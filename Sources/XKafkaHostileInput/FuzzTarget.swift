package import XKafkaTestingInternal

/// Something that reads what comes from outside, as a fuzzer sees it: any bytes go in, and it must neither trap nor
/// break its promises (R12).
package struct FuzzTarget: Sendable {
    /// Names its folder in `Tests/Corpus`.
    package let name: String

    /// Reads `bytes`. Throws a ``BrokenPromise`` when what comes out cannot be right.
    package let read: @Sendable (_ bytes: [UInt8]) throws -> Void

    /// Makes bytes that are valid.
    package let example: @Sendable (_ random: inout SeededGenerator) -> [UInt8]

    /// Every one of them.
    package static let all: [FuzzTarget] = [
        .commitMetadata, .checkpointFile, .headers, .traceContext, .configuration,
    ]

    /// The one of this name.
    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// A promise of a reader, and the input that breaks it.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Throws unless `isKept`.
func promise(_ isKept: Bool, _ what: @autoclosure () -> String) throws(BrokenPromise) {
    guard isKept else { throw BrokenPromise(what()) }
}
