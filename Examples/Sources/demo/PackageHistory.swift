import Foundation

/// The events the demonstration works on, and what they have to come to.
struct PackageHistory: Sendable {
    /// Where the events are from, for the reader.
    let source: String
    let events: [PackageEvent]
    /// What the packages are now; asked before and after the run, since packages may change meanwhile.
    let installed: @Sendable () async throws -> [String: PackageState]

    /// With fewer events there is not much to see.
    static let fewestEvents = 1_000
    /// The embedded broker keeps a few MiB per partition.
    static let mostEvents = 200_000

    /// This machine's own history, or the bundled sample where there is none worth the name.
    static func load(preferringSample: Bool) async throws -> PackageHistory {
        if !preferringSample, let own = try await ofThisMachine(), own.events.count >= fewestEvents { return own }
        return try sample()
    }

    private static func ofThisMachine() async throws -> PackageHistory? {
        let folder = "/var/log"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let logs = names.filter { $0.hasPrefix("dpkg.log") }
        guard !logs.isEmpty, Program.exists("dpkg-query") else { return nil }
        // dpkg.log.12.gz is older than dpkg.log.2.gz, and dpkg.log the newest of all.
        let age = { (name: String) in Int(name.split(separator: ".").dropFirst(2).first ?? "0") ?? 0 }
        let paths = logs.sorted { age($0) > age($1) }.map { "\(folder)/\($0)" }
        let text = try await Program.run("zcat", ["-f"] + paths)
        return PackageHistory(
            source: "\(paths.joined(separator: ", "))",
            events: events(in: text),
            installed: { try installedPackages(in: await Program.run("dpkg-query", queryArguments)) }
        )
    }

    private static func sample() throws -> PackageHistory {
        func resource(_ name: String) throws -> String {
            guard let url = Bundle.module.url(forResource: "Resources/\(name)", withExtension: nil) else {
                throw DemoError("the bundled sample \(name) is missing")
            }
            return String(decoding: try Data(contentsOf: url), as: UTF8.self)
        }
        let state = try installedPackages(in: try resource("sample-state.txt"))
        return PackageHistory(
            source: "the bundled sample",
            events: events(in: try resource("sample-dpkg.log")),
            installed: { state }
        )
    }

    static func events(in text: String) -> [PackageEvent] {
        let lines = text.split(separator: "\n").suffix(mostEvents)
        return lines.enumerated().compactMap { PackageEvent(line: String($0.element), number: $0.offset + 1) }
    }

    private static let queryArguments = ["-W", "-f", "${Package}:${Architecture} ${db:Status-Status} ${Version}\n"]

    /// Reads lines `name:architecture status version`.
    static func installedPackages(in text: String) throws -> [String: PackageState] {
        var packages: [String: PackageState] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count >= 2 else { throw DemoError("a line of dpkg-query is not understood: \(line)") }
            packages[String(words[0])] = PackageState(
                status: String(words[1]),
                version: words.count > 2 ? String(words[2]) : ""
            )
        }
        return packages
    }
}

/// Why the demonstration could not be shown.
struct DemoError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
