import Foundation

/// Runs an example as a user does, on a broker of its own.
struct ExampleOutput {
    /// What the process ended with; `nil` while it runs.
    let status: Int32?
    let lines: [String]

    private init(_ data: Data, status: Int32? = nil) {
        self.status = status
        lines = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Runs the executable `name`, which lies beside the running one, to its end.
    ///
    /// - Parameters:
    ///   - text: sends it a SIGTERM when it has printed this so often.
    ///   - count: how often.
    ///   - body: what to do before that, with the lines there are by then.
    static func run(
        _ name: String,
        timeout: String = "60s",
        terminatedAt text: String? = nil,
        times count: Int = 1,
        after body: @escaping @Sendable (ExampleOutput) async -> Void = { _ in }
    ) async throws -> ExampleOutput {
        let process = Process()
        process.executableURL = try executable(name)
        process.arguments = ["--embedded"]
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("XKAFKA_") }
            .merging(["XKAFKA_TIMEOUT": timeout, "XKAFKA_HTTP_PORT": "0"]) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        // This process must not hold the child's end, or the end of its output would never be seen.
        try output.fileHandleForWriting.close()
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var data = Data()
                var text = text
                while case let more = output.fileHandleForReading.availableData, !more.isEmpty {
                    data += more
                    let output = ExampleOutput(data)
                    if let awaited = text, output.lines.count(where: { $0.contains(awaited) }) >= count {
                        text = nil
                        Task {
                            await body(output)
                            process.terminate()
                        }
                    }
                }
                process.waitUntilExit()
                continuation.resume(returning: ExampleOutput(data, status: process.terminationStatus))
            }
        }
    }

    private static func executable(_ name: String) throws -> URL {
        // Where the tests are a bundle, the executables lie beside that.
        for place in [Bundle.main.bundleURL] + Bundle.allBundles.map(\.bundleURL) {
            for folder in [place, place.deletingLastPathComponent()] {
                let file = folder.appendingPathComponent(name)
                if FileManager.default.isExecutableFile(atPath: file.path) { return file }
            }
        }
        throw CocoaError(.fileNoSuchFile)
    }

    /// The fields of the lines that contain `text`, by name.
    func fields(of text: String) -> [[String: String]] {
        lines.filter { $0.contains(text) }.map { line in
            let pairs = line.split(separator: " ").compactMap { word -> (String, String)? in
                let parts = word.split(separator: "=", maxSplits: 1)
                return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
            }
            return Dictionary(pairs) { first, _ in first }
        }
    }
}
