import Foundation

/// The checkout that the tests were built from.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The modules that `make docs` documents: those that users import, and what comes with them.
    static func documentedModules() throws -> [String] {
        let list = try text("Makefile").split(separator: "\n").first { $0.hasPrefix("DOCUMENTED := ") }
        return list?.split(separator: " ").dropFirst(2).map(String.init) ?? []
    }

    /// The texts of a module's files, by their names.
    static func texts(of module: String) throws -> [(name: String, text: String)] {
        try sources().filter { $0.path.contains("/Sources/\(module)/") }.map {
            ($0.lastPathComponent, try String(contentsOf: $0, encoding: .utf8))
        }
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
