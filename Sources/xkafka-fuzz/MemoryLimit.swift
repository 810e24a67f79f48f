import Foundation

/// How much memory this process may still take.
enum MemoryLimit {
    private struct Refused: Error, CustomStringConvertible {
        let description = "the memory of a process cannot be limited here"
    }

    /// Lets the process take this much more than it has, and fails whatever wants more. Linux only.
    static func set(mebibytes: Int) throws {
        #if canImport(Glibc)
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            guard
                let kibibytes = status.split(separator: "\n").first(where: { $0.hasPrefix("VmData:") })?
                    .split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ UInt($0) })
            else { throw Refused() }
            let bytes = rlim_t((kibibytes + UInt(mebibytes) * 1_024) * 1_024)
            var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
            guard setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limit) == 0 else { throw Refused() }
        #else
            throw Refused()
        #endif
    }
}
