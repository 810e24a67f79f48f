import Foundation

/// The checkout that the tests were built from.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// Every Swift file of the package and of its examples, without what was built.
    static func sources() throws -> [URL] {
        let folders = ["Sources", "Tests", "Snippets", "Examples/Sources", "Examples/Tests", "Benchmarks/Sources"]
        return try folders.flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: root.appendingPathComponent(folder).path)
                .filter { $0.hasSuffix(".swift") }
                .map { root.appendingPathComponent(folder).appendingPathComponent($0) }
        }
    }
}
